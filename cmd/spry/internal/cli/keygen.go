// SPDX-License-Identifier: MIT

package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/zmq"
)

func newKeygen() *cobra.Command {
	cmd := &cobra.Command{
		Use: "keygen", Short: "Make keys for ZeroMQ's encryption", GroupID: "look", Args: takesNone,
		Example: "  spry keygen curve\n  spry keygen curve --out server --name 'the server'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(cmd.ErrOrStderr())
			cmd.Help()
			return exit.Errorf(exit.Usage, "no kind of key given")
		},
	}
	cmd.AddGroup(&cobra.Group{ID: "kind", Title: "Kinds of keys:"})
	cmd.AddCommand(newKeygenCurve())
	return cmd
}

func newKeygenCurve() *cobra.Command {
	var out, name, email, organization string
	cmd := &cobra.Command{
		Use: "curve", Short: "Make a key pair for CURVE, as a certificate that CZMQ reads too", GroupID: "kind", Args: takesNone,
		Long: "Makes a key pair for CURVE and prints it as a certificate in CZMQ's format, or writes it to files with --out: FILE,\n" +
			"with the public key, may be given away; FILE_secret, with both keys, can be read by its owner only. Then the public\n" +
			"key is printed. Files that exist are not replaced.\n\n" +
			"Servers that are given a directory of public certificates let in the clients whose certificates are there.",
		Example: "  spry keygen curve --out server\n  spry keygen curve --out ada --name 'Ada Lovelace' --email ada@example.org\n" +
			"  (umask 077 && spry keygen curve > both-keys)",
		RunE: func(cmd *cobra.Command, _ []string) error {
			public, secret, err := zmq.GenerateKeys()
			if err != nil {
				return err
			}
			c := zmq.Certificate{Public: public, Secret: secret, Metadata: make(map[string]string)}
			for key, value := range map[string]string{"name": name, "email": email, "organization": organization} {
				if value != "" {
					c.Metadata[key] = value
				}
			}
			text, err := c.SecretText()
			if err != nil {
				return exit.Errorf(exit.Usage, "%w", err)
			}
			if out != "" {
				if err := c.Save(out); err != nil {
					return err
				}
				text = public.String() + "\n"
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), text)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVarP(&out, "out", "o", "", "write `FILE` and FILE_secret instead of printing both keys")
	f.StringVar(&name, "name", "", "`name` of the owner, the user name for servers")
	f.StringVar(&email, "email", "", "`address` of the owner")
	f.StringVar(&organization, "organization", "", "`name` of the owner's organization")
	return cmd
}

// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"

	"github.com/CycloneDX/cyclonedx-go"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// billOfMaterials lists the modules that a command was built from, in CycloneDX's form.
func billOfMaterials(ctx context.Context, command, version string) ([]byte, error) {
	c := exec.CommandContext(ctx, "go", "tool", "cyclonedx-gomod", "bin", "-json", "-noserial", "-notimestamp", "-version", version, command)
	c.Stderr = os.Stderr
	c.Env = append(os.Environ(), "GOWORK=off")
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("cyclonedx-gomod: %w", err)
	}
	return withoutToolHashes(out)
}

// withoutToolHashes drops the checksums of the program that wrote a bill. They differ between machines, because the go command
// builds it where it is used.
func withoutToolHashes(bill []byte) ([]byte, error) {
	var b cyclonedx.BOM
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(bill), cyclonedx.BOMFileFormatJSON).Decode(&b); err != nil {
		return nil, err
	}
	if b.Metadata != nil && b.Metadata.Tools != nil && b.Metadata.Tools.Tools != nil {
		for i := range *b.Metadata.Tools.Tools {
			(*b.Metadata.Tools.Tools)[i].Hashes = nil
		}
	}
	var out bytes.Buffer
	err := cyclonedx.NewBOMEncoder(&out, cyclonedx.BOMFileFormatJSON).SetPretty(true).Encode(&b)
	return out.Bytes(), err
}

// trustedRoots are the certificate authorities that Mozilla trusts without reservation, in PEM form: an image from scratch has no
// others.
func trustedRoots() []byte {
	var roots bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			roots.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}
	return roots.Bytes()
}

// SPDX-License-Identifier: MIT

package nngcat

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/sprymq/spry/cmd/spry/internal/foreign"
)

// nngcat itself and this package must refuse the same command lines, in the same words.
func TestFaultsReadAsInNngcat(t *testing.T) {
	nngcat := foreign.Find(t, "nngcat", "nng-utils")
	for _, line := range faults {
		args := strings.Fields(line)
		var wantOut, wantErr, gotOut, gotErr bytes.Buffer
		cmd := exec.CommandContext(t.Context(), nngcat, args...)
		cmd.Stdout, cmd.Stderr = &wantOut, &wantErr
		want := 0
		if err := cmd.Run(); err != nil {
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok {
				t.Fatal(err)
			}
			want = exit.ExitCode()
		}
		got := Run(t.Context(), args, strings.NewReader(""), &gotOut, &gotErr)
		if got != want || gotErr.String() != wantErr.String() {
			t.Errorf("%q: exit %d, %q\nnngcat: exit %d, %q", line, got, gotErr.String(), want, wantErr.String())
		}
		if (gotOut.Len() > 0) != (wantOut.Len() > 0) {
			t.Errorf("%q: printed %q\nnngcat: %q", line, gotOut.String(), wantOut.String())
		}
	}
}

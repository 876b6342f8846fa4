// SPDX-License-Identifier: MIT

package exit_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/sprymq/spry/cmd/spry/internal/exit"
)

func TestCodeOfWrappedErrors(t *testing.T) {
	cause := errors.New("cause")
	for _, test := range []struct {
		err  error
		want int
	}{
		{nil, exit.OK},
		{cause, exit.Failure},
		{exit.Errorf(exit.Usage, "bad: %w", cause), exit.Usage},
		{fmt.Errorf("outer: %w", exit.Errorf(exit.NoPeer, "inner: %w", cause)), exit.NoPeer},
	} {
		if got := exit.Code(test.err); got != test.want {
			t.Errorf("Code(%v) = %d, want %d", test.err, got, test.want)
		}
	}
	if !errors.Is(exit.Errorf(exit.Partial, "x: %w", cause), cause) {
		t.Error("the cause is lost")
	}
}

// SPDX-License-Identifier: MIT

package source

import (
	"errors"
	"fmt"

	"github.com/sprymq/spry/internal/textform"
)

// decode reads one line of NDJSON: a message as format json prints it, a string, or a list of frames.
func decode(line []byte) ([][]byte, error) {
	frames, err := textform.ParseFrames(line)
	if errors.Is(err, textform.ErrContents) {
		err = fmt.Errorf("%w; --lines sends lines as they are", err)
	}
	return frames, err
}

// SPDX-License-Identifier: MIT

package nngcat

import (
	"context"
	"errors"
	"io"
)

func run(ctx context.Context, c *config, stdout io.Writer) error {
	return errors.New("later")
}

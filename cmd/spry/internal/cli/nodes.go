// SPDX-License-Identifier: MIT

package cli

import (
	"context"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/observe"
)

// A nodeReport is what a node answered.
type nodeReport struct {
	url string // without a password
	*observe.Report
}

// askNodes asks nodes for their figures, all at once, and returns the answers in the order of the URLs. Without URLs it asks the
// processes of this user on this machine; of those that end meanwhile there is no error.
func askNodes(ctx context.Context, urls []string, timeout time.Duration) (found []nodeReport, failed []error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	local := len(urls) == 0
	if local {
		urls = observe.Local()
		slices.Sort(urls)
	}
	reports, errs := make([]*observe.Report, len(urls)), make([]error, len(urls))
	var asked sync.WaitGroup
	for i := range urls {
		asked.Go(func() { reports[i], errs[i] = (&observe.Node{URL: urls[i]}).Report(ctx) })
	}
	asked.Wait()
	for i, r := range reports {
		switch {
		case errs[i] == nil:
			found = append(found, nodeReport{shownURL(urls[i]), r})
		case !local:
			failed = append(failed, errs[i])
		}
	}
	return found, failed
}

func shownURL(node string) string {
	u, err := url.Parse(node)
	if err != nil {
		return ""
	}
	return u.Redacted()
}

// answered says which nodes did not answer, and returns what that means for the exit code.
func answered(cmd *cobra.Command, found int, failed []error) error {
	for _, err := range failed {
		cmd.PrintErrf("spry: %v\n", err)
	}
	switch {
	case found == 0 && len(failed) == 0:
		return exit.Errorf(exit.NoPeer, "no process of this user on this machine calls observe.ServeLocal")
	case found == 0:
		return exit.Errorf(exit.NoPeer, "no node answers")
	case len(failed) > 0:
		return exit.Errorf(exit.Partial, "%d of %d nodes do not answer", len(failed), found+len(failed))
	}
	return nil
}

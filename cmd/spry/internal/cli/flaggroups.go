// SPDX-License-Identifier: MIT

package cli

import "github.com/spf13/pflag"

// groups are how help shows the flags of a verb: those that most readers look for first, the others by what they are about.
var groups = []struct {
	title string
	flags []string
}{
	{"Flags", []string{
		"listen", "dial", "node", "token-file", "connections",
		"data", "file", "lines", "subscribe", "join", "exec", "echo", "format", "count", "recv-timeout",
		"watch", "pipes", "sort", "filter",
		"speed", "from", "to", "loop", "follow", "device", "config", "check", "example", "kind", "front", "back", "dial-front", "dial-back", "stats", "size", "timeout", "json", "quiet", "verbose", "help",
	}},
	{"What is sent", []string{
		"ndjson", "templates", "multipart", "frames", "to", "group", "send-subscriptions", "exec-errors", "workers", "interval", "rate", "delay", "peers",
		"retry", "no-retry", "deadline", "answers",
	}},
	{"What is kept", []string{"max-size", "max-age", "segment-size"}},
	{"When to end", []string{"for", "recv-count", "connect-timeout", "send-timeout", "linger"}},
	{"Queues and limits", []string{"queue", "queue-bytes", "max-message", "overflow", "last-values", "ttl"}},
	{"TLS, for tls+tcp, wss and the layer tls", []string{"cacert", "crl", "cert", "key", "server-name", "insecure"}},
	{"ZeroMQ, and nanomsg's version of pair", []string{"zmtp", "identity", "v0"}},
	{"ZeroMQ's encryption and passwords", []string{
		"curve-server-key", "curve-key", "curve-server", "allow", "plain", "plain-password-file", "plain-server",
	}},
}

// A flagGroup is flags under a title.
type flagGroup struct {
	Title string
	*pflag.FlagSet
}

// flagGroups groups the flags of a verb. Those of no group come last, as "More flags", or under the first title if it has no
// others.
func flagGroups(all *pflag.FlagSet) (found []flagGroup) {
	add := func(title string, f *pflag.Flag) {
		if f == nil || f.Hidden {
			return
		}
		if len(found) == 0 || found[len(found)-1].Title != title {
			set := pflag.NewFlagSet(title, pflag.ContinueOnError)
			set.SortFlags = false
			found = append(found, flagGroup{title, set})
		}
		found[len(found)-1].AddFlag(f)
	}
	grouped := map[string]bool{}
	for _, g := range groups {
		for _, name := range g.flags {
			add(g.title, all.Lookup(name))
			grouped[name] = true
		}
	}
	all.VisitAll(func(f *pflag.Flag) {
		if !grouped[f.Name] {
			add("More flags", f)
		}
	})
	return found
}

// SPDX-License-Identifier: MIT

package run

import (
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sprymq/spry/bench/internal/report"
)

// A contender is a peer used in one of its modes.
type contender struct {
	Peer string // as the user selects it
	Mode string
}

// modeAndProcessors splits a mode such as batch-1p, in which the peer has one processor: it runs with GOMAXPROCS=1.
func (c contender) modeAndProcessors() (mode string, processors int) {
	mode, last := "plain", c.Mode
	if i := strings.LastIndexByte(c.Mode, '-'); i >= 0 {
		mode, last = c.Mode[:i], c.Mode[i+1:]
	}
	n, isCount := strings.CutSuffix(last, "p")
	if processors, err := strconv.Atoi(n); err == nil && isCount {
		return mode, processors
	}
	return c.Mode, 0
}

func (c contender) String() string {
	if c.Mode == "plain" {
		return c.Peer
	}
	return c.Peer + "/" + c.Mode
}

// A peerKind says how a peer's worker is started and what it supports.
type peerKind struct {
	name  string
	file  string   // of a worker in C
	libs  []string // that it links
	tag   string   // of a build of this program of its own
	other string   // a program that is no worker, and is only timed in lat, over tcp and at the place free
	mode  string   // "" or the worker's mode that plain stands for
	more  []string // transports beyond tcp, ipc and inproc
	modes map[string][]string
	// large are modes with other socket buffers, for bodies from tunedFrom on.
	large map[string][]string
	// processors are modes with other values of GOMAXPROCS, at the place free: 1, and what a container on a larger machine has.
	processors map[string][]string
}

// peerKinds are all peers, in the order of tables.
var peerKinds = []peerKind{
	{name: "spry", more: webAndTLS, modes: map[string][]string{
		"thr": {"plain", "own", "batch", "bodies", "recv-bodies", "zmtp", "zmtp-batch"}, layers: {"stream", "trace", "throttle", "fault"}, gatewayWork: {"gateway", "net-http-req", "net-http"}, "inproc-thr": {"copy", "own", "batch", "bodies"},
		"curve": {"curve", "curve-batch"}, "lat": {"plain", "zmtp"}, "fan": {"plain", "zmtp"},
		"callers-mux": {"plain", "zmtp"}, "callers-conns": {"plain", "zmtp"},
		"scale-topics": {"zmtp"}, "scale-lengths": {"zmtp"}, "scale-nested": {"zmtp"},
	}, processors: map[string][]string{
		"thr": {"1p", "4p", "8p", "batch-1p", "batch-4p", "batch-8p"}, "fan": {"1p", "4p", "8p"}, "lat": {"1p", "4p", "8p"},
		"callers-mux": {"1p", "4p", "8p"}, "callers-conns": {"1p", "4p", "8p"},
	}},
	{name: "goraw", more: []string{"tls+tcp"}, modes: map[string][]string{"inproc-thr": {"own"}}, large: map[string][]string{"thr": {"tuned"}}},
	{name: "goraw1", modes: map[string][]string{"lat": nil, "callers-conns": nil, "idle": nil, layers: {"plain"}}}, // as goraw
	{name: "craw", file: "raw.c", mode: "batch", large: map[string][]string{"thr": {"tuned"}}},
	{name: "craw1", file: "raw.c", modes: map[string][]string{"idle": nil}},
	{name: "libzmq", file: "zmq.c", libs: []string{"-lzmq"}, more: []string{"ws"}, modes: map[string][]string{
		"thr": {"plain", "tuned"}, "inproc-thr": {"copy", "own"}, "fan": {"nodrop", "plain"},
		"curve": {"curve"},
	}},
	{name: "libnng", file: "nng.c", libs: []string{"-lnng"}, more: []string{"ws"}, modes: map[string][]string{
		"thr": {"plain", "tuned"}, "inproc-thr": {"own"},
	}},
	{name: "nanomsg", file: "nanomsg.c", libs: []string{"-lnanomsg"}, modes: map[string][]string{
		"thr": {"plain", "tuned"}, "inproc-thr": {"copy", "own"},
	}},
	{name: "mangos", more: webAndTLS, modes: map[string][]string{"inproc-thr": {"copy"}}},
	{name: "gozmq", modes: map[string][]string{"inproc-thr": {"copy"}}},
	{name: "pebbe", tag: "pebbe", modes: map[string][]string{"inproc-thr": {"copy"}}},
	{name: "nats"},
	{name: "grpc"},
	{name: "drpc"},
	{name: ddsperf, other: ddsperf},
}

// modesFor returns the modes of a kind that are measured in a case.
func (k peerKind) modesFor(c report.Case) []string {
	modes, special := k.modes[c.Work]
	further := slices.Contains(webAndTLS, c.Transport)
	switch {
	case further && !slices.Contains(k.more, c.Transport):
		return nil
	case k.other != "" && (c.Work != "lat" || c.Transport != "tcp" || c.Place != placeFree):
		return nil
	case special:
	case c.Work == "curve" || c.Work == layers || c.Work == gatewayWork:
		return nil // who can encrypt, or has streams or a gateway, says so
	default:
		modes = []string{"plain"}
	}
	if c.Size >= tunedFrom {
		modes = append(slices.Clip(modes), k.large[c.Work]...)
	}
	if further {
		if k.name == peerKinds[0].name {
			modes = append(slices.Clip(modes), overTCP)
		}
		return modes
	}
	if c.Place == placeFree && c.Size <= mostOfProcessors {
		modes = append(slices.Clip(modes), k.processors[c.Work]...)
	}
	return modes
}

// overTCP is the mode plain over tcp instead of the transport of the case.
const overTCP = "tcp"

// tunedFrom is the smallest size that gains by larger socket buffers.
const tunedFrom = 8 << 10

// mostOfProcessors is the largest size for which other numbers of processors are measured, where the system has all of them.
const mostOfProcessors = 256

// workers finds or builds the workers of peers.
type workers struct {
	self     string // this program
	commands map[string][]string
	missing  map[string]string // peers that cannot be had, and why
}

// prepare builds the workers of the selected peers.
func prepare(ctx context.Context, kinds []peerKind, sources embed.FS) (*workers, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	w := &workers{self: self, commands: map[string][]string{}, missing: map[string]string{}}
	if _, err := exec.LookPath("taskset"); err != nil {
		w.missing["placement "+placeOne] = err.Error()
	}
	dir, err := cacheDir(sources)
	if err != nil {
		return nil, err
	}
	for _, k := range kinds {
		command, err := k.find(ctx, self, dir)
		if err != nil {
			w.missing[k.name] = firstLines(err.Error())
			continue
		}
		w.commands[k.name] = command
	}
	return w, nil
}

// find returns the command of a peer's worker, which it builds if it must.
func (k peerKind) find(ctx context.Context, self, dir string) ([]string, error) {
	switch {
	case k.file != "":
		to := filepath.Join(dir, k.name)
		return []string{to}, compile(ctx, dir, k, to)
	case k.other != "":
		at, err := exec.LookPath(k.other)
		return []string{at}, err
	case k.tag != "":
		to := filepath.Join(dir, "bench-"+k.tag)
		build := exec.CommandContext(ctx, "go", "build", "-tags", k.tag, "-o", to, "github.com/sprymq/spry/bench")
		return []string{to, "worker", k.name}, output(build)
	default:
		return []string{self, "worker", k.name}, nil
	}
}

// cacheDir has the sources of the workers in C; their contents name it.
func cacheDir(sources embed.FS) (string, error) {
	files, err := fs.ReadDir(sources, "c")
	if err != nil {
		return "", err
	}
	contents, sum := map[string][]byte{}, sha256.New()
	for _, f := range files {
		text, err := sources.ReadFile("c/" + f.Name())
		if err != nil {
			return "", err
		}
		contents[f.Name()] = text
		sum.Write(text)
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, "spry-bench", fmt.Sprintf("%x", sum.Sum(nil)[:8]))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for name, text := range contents {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return "", err
		}
	}
	return dir, nil
}

func compile(ctx context.Context, dir string, k peerKind, to string) error {
	if _, err := os.Stat(to); err == nil {
		return nil
	}
	args := append([]string{"-O2", "-pthread", "-o", to, filepath.Join(dir, k.file)}, k.libs...)
	return output(exec.CommandContext(ctx, "cc", args...))
}

// output runs a command; its output is the error.
func output(cmd *exec.Cmd) error {
	text, err := cmd.CombinedOutput()
	if err != nil && len(text) > 0 {
		return errors.Join(errors.New(strings.TrimSpace(string(text))), err)
	}
	return err
}

// firstLines is as much of an error as a table has room for.
func firstLines(s string) string {
	lines := strings.Split(s, "\n")
	return strings.Join(lines[:min(len(lines), 2)], "; ")
}

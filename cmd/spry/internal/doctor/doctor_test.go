// SPDX-License-Identifier: MIT

package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/inspect"
)

// today is when the machine of these tests lives.
var today = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

const limits = "Limit                     Soft Limit           Hard Limit           Units\n" +
	"Max processes             127235               127235               processes\n" +
	"Max open files            1024                 524288               files\n"

const tcp = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
	"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0000000000000000 100 0 0 10 0\n" +
	"   1: 0100007F:9C40 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 4243 1 0000000000000000 20 4 30 10 -1\n"

const tcp6 = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
	"   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 777 1 0000000000000000 100 0 0 10 0\n"

const unixSockets = "Num       RefCount Protocol Flags    Type St Inode Path\n" +
	"0000000000000000: 00000002 00000000 00010000 0001 01 555 /run/taken.sock\n" +
	"0000000000000000: 00000003 00000000 00000000 0001 03 556 /run/stale.sock\n"

// A machine is a system that tests change.
type machine struct {
	*System
	root  fstest.MapFS
	files map[string]string
	plan  Plan
	step  time.Duration // by which the clock goes on
}

func (m *machine) set(name, text string) { m.root[name] = &fstest.MapFile{Data: []byte(text)} }

// An info is a file as Stat sees it.
type info struct {
	fs.FileInfo
	mode fs.FileMode
}

func (i info) Mode() fs.FileMode { return i.mode }
func (i info) IsDir() bool       { return i.mode.IsDir() }

// healthy is a machine on which all is well.
func healthy() *machine {
	m := &machine{root: fstest.MapFS{}, files: map[string]string{}, step: time.Millisecond, plan: Plan{Connections: 1000, Timeout: time.Second}}
	for name, text := range map[string]string{
		"proc/self/limits":                                                limits,
		"proc/self/status":                                                "Name:\tspry\nCapEff:\t0000000000000000\n",
		"proc/self/cgroup":                                                "0::/user.slice\n",
		"proc/sys/fs/file-nr":                                             "2016\t0\t9223372036854775807\n",
		"proc/sys/net/ipv4/tcp_rmem":                                      "4096\t131072\t6291456\n",
		"proc/sys/net/ipv4/tcp_wmem":                                      "4096\t16384\t4194304\n",
		"proc/sys/net/core/rmem_max":                                      "212992\n",
		"proc/sys/net/core/wmem_max":                                      "212992\n",
		"proc/sys/net/core/somaxconn":                                     "4096\n",
		"proc/sys/net/ipv4/ip_local_port_range":                           "32768\t60999\n",
		"proc/sys/net/ipv4/ip_local_reserved_ports":                       "40000,41000-41010\n",
		"proc/sys/net/ipv4/ip_unprivileged_port_start":                    "1024\n",
		"proc/net/tcp":                                                    tcp,
		"proc/net/tcp6":                                                   tcp6,
		"proc/net/unix":                                                   unixSockets,
		"proc/88/comm":                                                    "nginx\n",
		"sys/fs/cgroup/user.slice/memory.max":                             "max\n",
		"sys/fs/cgroup/user.slice/cpu.max":                                "max 100000\n",
		"sys/kernel/mm/transparent_hugepage/enabled":                      "always [madvise] never\n",
		"sys/kernel/mm/transparent_hugepage/khugepaged/max_ptes_none":     "511\n",
		"sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
	} {
		m.set(name, text)
	}
	m.root["proc/88/fd/3"] = &fstest.MapFile{Data: []byte("socket:[4242]"), Mode: fs.ModeSymlink}
	var passed time.Duration
	m.System = &System{
		Root: m.root,
		ReadFile: func(name string) ([]byte, error) {
			text, found := m.files[name]
			if !found {
				return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
			}
			return []byte(text), nil
		},
		Stat: func(name string) (fs.FileInfo, error) {
			mode, found := map[string]fs.FileMode{
				"/run": fs.ModeDir | 0o755, "/run/taken.sock": fs.ModeSocket, "/run/stale.sock": fs.ModeSocket, "/run/pid": 0o644,
				"good.key": 0o600, "group.key": 0o660, "open.key": 0o644,
			}[name]
			if !found {
				return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
			}
			return info{mode: mode}, nil
		},
		Getenv: func(string) string { return "" },
		LookUp: func(_ context.Context, host string) ([]netip.Addr, error) {
			switch host {
			case "localhost":
				return []netip.Addr{netip.MustParseAddr("::1"), netip.MustParseAddr("127.0.0.1")}, nil
			case "slow.example":
				passed += time.Second
				return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
			case "a.example", "b.example":
				return []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}, nil
			case "empty.example":
				return nil, nil
			}
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		},
		Services: func(_ context.Context, name string) ([]string, error) {
			if name == "_feed._tcp.example" {
				return []string{"a.example", "b.example"}, nil
			}
			return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
		},
		Inspect: func(context.Context, string) (*inspect.Report, error) { return nil, errors.New("nobody is there") },
		Clock: func() (time.Time, time.Duration) {
			passed += m.step
			return today.Add(passed), passed
		},
		Sleep:  func(d time.Duration) { passed += d },
		Synced: func() (bool, bool) { return true, true },
		CPUs:   8, UID: 1000,
	}
	return m
}

// A case is a machine that is not as it should be, or a plan, and what is found.
type finding struct {
	change func(m *machine)
	id     string
	is     Severity
	says   string
}

var cases = map[string]finding{
	"few files":             {func(m *machine) { m.plan.Connections = 600_000 }, "files.limit", Error, "may open 524288 files, and 600000 connections need 600064"},
	"exactly enough files":  {func(m *machine) { m.plan.Connections = 524_288 - 64 }, "files.limit", OK, "up to 524288"},
	"any number of files":   {func(m *machine) { m.set("proc/self/limits", strings.ReplaceAll(limits, "524288", "unlimited")) }, "files.limit", OK, "any number"},
	"no limits":             {func(m *machine) { delete(m.root, "proc/self/limits") }, "files.limit", Unknown, "not exist"},
	"no line of files":      {func(m *machine) { m.set("proc/self/limits", "Max processes 1 2") }, "files.limit", Unknown, "no limit of open files"},
	"files of all":          {func(m *machine) { m.set("proc/sys/fs/file-nr", "5000 0 6000") }, "files.system", Error, "may open 6000 files, and have 5000 open"},
	"file-nr cut off":       {func(m *machine) { m.set("proc/sys/fs/file-nr", "5000") }, "files.system", Unknown, "three numbers"},
	"file-nr no number":     {func(m *machine) { m.set("proc/sys/fs/file-nr", "many") }, "files.system", Unknown, `is "many"`},
	"small tcp buffer":      {func(m *machine) { m.set("proc/sys/net/ipv4/tcp_wmem", "4096 16384 65536") }, "buffers.tcp", Warning, "grows to 64 KiB at most"},
	"tcp buffer unreadable": {func(m *machine) { m.set("proc/sys/net/ipv4/tcp_rmem", "") }, "buffers.tcp", Unknown, "is empty"},
	"tcp buffer cut off":    {func(m *machine) { m.set("proc/sys/net/ipv4/tcp_rmem", "1 2") }, "buffers.tcp", Unknown, "three numbers"},
	"small buffers":         {func(m *machine) { m.set("proc/sys/net/core/rmem_max", "65536") }, "buffers.max", Warning, "64 KiB at most"},
	"buffers unreadable":    {func(m *machine) { delete(m.root, "proc/sys/net/core/wmem_max") }, "buffers.max", Unknown, "not exist"},
	"short backlog":         {func(m *machine) { m.set("proc/sys/net/core/somaxconn", "128") }, "buffers.backlog", Warning, "128 new connections"},
	"backlog for many": {func(m *machine) {
		m.set("proc/sys/net/core/somaxconn", "2048")
		m.plan.Connections = 3000
	}, "buffers.backlog", Warning, "2048 new connections"},
	"backlog unreadable": {func(m *machine) { delete(m.root, "proc/sys/net/core/somaxconn") }, "buffers.backlog", Unknown, "not exist"},

	"port is free":              {listen("tcp://127.0.0.1:5555"), "ports.free", OK, "the port is free"},
	"port is another's":         {listen("tcp://127.0.0.1:8080"), "ports.free", Error, "nginx (process 88) listens on 127.0.0.1:8080"},
	"wildcard meets one":        {listen("zmtp+tcp://*:8080"), "ports.free", Error, "nginx (process 88)"},
	"name meets one":            {listen("tcp://localhost:8080"), "ports.free", Error, "nginx (process 88)"},
	"interface may meet":        {listen("tcp://eth0:8080"), "ports.free", Error, "nginx (process 88)"},
	"another address":           {listen("tcp://127.0.0.2:8080"), "ports.free", OK, "free"},
	"another name":              {listen("tcp://a.example:8080"), "ports.free", OK, "free"},
	"one meets wildcard":        {listen("tcp://127.0.0.1:22"), "ports.free", Error, "a process that this user may not look at listens on [::]:22"},
	"connection is no listener": {listen("tcp://127.0.0.1:40000"), "ports.free", OK, "free"},
	"websocket":                 {listen("wss://127.0.0.1/feed"), "ports.privileged", Error, "ports below 1024 are for root, and this is user 1000"},
	"websocket with port":       {listen("ws://127.0.0.1:8080/feed?format=json"), "ports.free", Error, "nginx"},
	"port of root":              {listen("tcp://*:80"), "ports.privileged", Error, "ports below 1024"},
	"outgoing port":             {listen("tcp://*:33333"), "ports.ephemeral", Warning, "one of 32768 to 60999"},
	"any port":                  {listen("tcp://127.0.0.1:0"), "ports.free", OK, "chooses a free port"},
	"any port, starred":         {listen("tcp://127.0.0.1:*"), "ports.free", OK, "chooses a free port"},
	"no port":                   {listen("tcp://127.0.0.1"), "ports.free", Error, "missing port"},
	"port is no number":         {listen("tcp://127.0.0.1:x"), "ports.free", Error, "not a number"},
	"no URL":                    {listen("5555"), "ports.free", Error, "has no scheme"},
	"inproc":                    {listen("inproc://x"), "ports.free", Unknown, "neither an address of TCP nor a file"},
	"listening at SRV":          {listen("tcp://_feed._tcp.example"), "ports.free", Error, "for dialing"},
	"sockets unreadable": {func(m *machine) {
		listen("tcp://127.0.0.1:5555")(m)
		delete(m.root, "proc/net/tcp")
	}, "ports.free", Unknown, "not exist"},
	"sockets malformed": {func(m *machine) {
		listen("tcp://127.0.0.1:5555")(m)
		m.set("proc/net/tcp", strings.ReplaceAll(tcp, "0100007F", "01"))
	}, "ports.free", Unknown, "/proc/net/tcp: an address is cut off"},
	"no IPv6": {func(m *machine) {
		listen("tcp://127.0.0.1:5555")(m)
		delete(m.root, "proc/net/tcp6")
	}, "ports.free", OK, "free"},

	"file is free":      {listen("ipc:///run/new.sock"), "ports.file", OK, "the path is free"},
	"file is stale":     {listen("ipc:///run/stale.sock"), "ports.file", OK, "a listener replaces"},
	"file is another's": {listen("ipc:///run/taken.sock"), "ports.file", Error, "a process listens there"},
	"file is no socket": {listen("ipc:///run/pid"), "ports.file", Error, "no socket"},
	"no folder":         {listen("ipc:///nowhere/a.sock"), "ports.file", Error, "/nowhere is no folder"},
	"long path":         {listen("ipc:///run/" + strings.Repeat("x", 103)), "ports.file", Error, "108 bytes, and 107 are possible"},

	"few source ports": {func(m *machine) { m.plan.Connections = 30_000 }, "ports.source", Warning, "28232 ports are for outgoing connections, and 30000"},
	"many have ended": {func(m *machine) {
		m.set("proc/sys/net/ipv4/ip_local_port_range", "39999 40001")
		m.plan.Connections = 3
		m.set("proc/net/tcp", strings.ReplaceAll(tcp, "1F90 01", "1F90 06")+strings.Replace(tcp[strings.Index(tcp, "\n")+1:], "1F90 00000000:0000 0A", "9C41 00000000:0000 06", 1))
	}, "ports.source", Warning, "2 of 3 ports"},
	"range unreadable": {func(m *machine) { m.set("proc/sys/net/ipv4/ip_local_port_range", "1") }, "ports.source", Unknown, "two numbers"},
	"no sockets":       {func(m *machine) { delete(m.root, "proc/net/tcp") }, "ports.source", Unknown, "not exist"},

	"clock of long ago": {func(m *machine) {
		m.Clock = func() (time.Time, time.Duration) { return time.Unix(0, 0), 0 }
	}, "clock.time", Error, "1970-01-01T00:00:00Z"},
	"not in time":     {func(m *machine) { m.Synced = func() (bool, bool) { return false, true } }, "clock.synced", Warning, "nothing keeps"},
	"in time unknown": {func(m *machine) { m.Synced = func() (bool, bool) { return false, false } }, "clock.synced", Unknown, "does not say"},
	"clock jumps":     {func(m *machine) { m.Clock = jumping(m.Clock, -time.Second) }, "clock.jumps", Warning, "by -1s more than the time that passed"},
	"slow clock":      {func(m *machine) { m.set("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet") }, "clock.source", Warning, "from hpet"},
	"no clocks":       {func(m *machine) { delete(m.root, "sys/devices/system/clocksource/clocksource0/current_clocksource") }, "clock.source", Unknown, "not exist"},

	"name":           {dial("tcp://a.example:1"), "dns.name", OK, "a.example is 192.0.2.1, 2001:db8::1, after 1ms"},
	"address":        {dial("tcp://[::1]:1"), "dns.name", OK, "::1 needs no look-up"},
	"source address": {dial("tcp://eth0;a.example:1"), "dns.name", OK, "a.example is"},
	"no name":        {dial("tcp://nobody.example:1"), "dns.name", Error, "no such host"},
	"no address":     {dial("tcp://empty.example:1"), "dns.name", Error, "the answer is empty"},
	"slow name":      {dial("tcp://slow.example:1"), "dns.name", Warning, "after 1.001s"},
	"no such URL":    {dial("nonsense"), "dns.name", Error, "has no scheme"},
	"service":        {dial("tcp://_feed._tcp.example"), "dns.service", OK, "a.example, b.example"},
	"its servers":    {dial("tcp://_feed._tcp.example"), "dns.name", OK, "a.example is 192.0.2.1"},
	"no service":     {dial("tcp://_food._tcp.example"), "dns.service", Error, "there are no SRV records"},

	"no limit of memory":     {func(*machine) {}, "memory.limit", OK, "no limit"},
	"memory unlimited in Go": {func(m *machine) { m.set("sys/fs/cgroup/user.slice/memory.max", "1073741824") }, "memory.limit", Warning, "1.0 GiB of memory, and GOMEMLIMIT is not set"},
	"memory off": {func(m *machine) {
		m.set("sys/fs/cgroup/user.slice/memory.max", "1073741824")
		environment(m, "GOMEMLIMIT", "off")
	}, "memory.limit", Warning, "not set"},
	"memory above": {func(m *machine) {
		m.set("sys/fs/cgroup/user.slice/memory.max", "1073741824")
		environment(m, "GOMEMLIMIT", "2GiB")
	}, "memory.limit", Error, "GOMEMLIMIT is 2.0 GiB"},
	"memory below": {func(m *machine) {
		m.set("sys/fs/cgroup/user.slice/memory.max", "1073741824")
		environment(m, "GOMEMLIMIT", "900MiB")
	}, "memory.limit", OK, "GOMEMLIMIT is 900 MiB"},
	"memory nonsense": {func(m *machine) {
		m.set("sys/fs/cgroup/user.slice/memory.max", "1073741824")
		environment(m, "GOMEMLIMIT", "much")
	}, "memory.limit", Error, `"much" is no size`},
	"limit nonsense": {func(m *machine) { m.set("sys/fs/cgroup/user.slice/memory.max", "much") }, "memory.limit", Unknown, `is "much"`},
	"container": {func(m *machine) {
		m.set("proc/self/cgroup", "0::/../../host/path\n")
		m.set("sys/fs/cgroup/memory.max", "1073741824")
	}, "memory.limit", Warning, "1.0 GiB"},
	"version 1": {func(m *machine) {
		m.set("proc/self/cgroup", "9:memory:/x\n")
		m.set("sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824")
	}, "memory.limit", Warning, "1.0 GiB"},
	"version 1 without": {func(m *machine) {
		m.set("proc/self/cgroup", "9:memory:/x\n")
		m.set("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712")
	}, "memory.limit", OK, "no limit"},
	"root of cgroups": {func(m *machine) { delete(m.root, "sys/fs/cgroup/user.slice/memory.max") }, "memory.limit", OK, "no limit"},
	"no cgroups": {func(m *machine) {
		delete(m.root, "sys/fs/cgroup/user.slice/memory.max")
		delete(m.root, "sys/fs/cgroup/user.slice/cpu.max")
	}, "memory.limit", Unknown, "no cgroups"},

	"processors of the cgroup": {func(m *machine) { m.set("sys/fs/cgroup/user.slice/cpu.max", "150000 100000") }, "memory.processors", OK, "the 1.5 processors"},
	"too many processors": {func(m *machine) {
		m.set("sys/fs/cgroup/user.slice/cpu.max", "150000 100000")
		environment(m, "GOMAXPROCS", "8")
	}, "memory.processors", Warning, "it is 8, and the process may use 1.5"},
	"enough processors": {func(m *machine) { environment(m, "GOMAXPROCS", "8") }, "memory.processors", OK, "it is 8, of 8"},
	"odd processors":    {func(m *machine) { environment(m, "GOMAXPROCS", "all") }, "memory.processors", Warning, `"all" is no number`},
	"no share": {func(m *machine) {
		delete(m.root, "sys/fs/cgroup/user.slice/memory.max")
		delete(m.root, "sys/fs/cgroup/user.slice/cpu.max")
	}, "memory.processors", Unknown, "no cgroups"},
	"huge pages":    {func(m *machine) { m.set("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never") }, "memory.huge_pages", Warning, "are always, also of memory"},
	"no huge pages": {func(m *machine) { delete(m.root, "sys/kernel/mm/transparent_hugepage/enabled") }, "memory.huge_pages", Unknown, "not exist"},
}

func listen(url string) func(*machine) { return func(m *machine) { m.plan.Listen = []string{url} } }
func dial(url string) func(*machine)   { return func(m *machine) { m.plan.Dial = []string{url} } }

func environment(m *machine, name, value string) {
	m.Getenv = func(asked string) string {
		if asked == name {
			return value
		}
		return ""
	}
}

// jumping is a clock that jumps between the first and the third time that it is asked, which are around the wait.
func jumping(clock func() (time.Time, time.Duration), by time.Duration) func() (time.Time, time.Duration) {
	asked := 0
	return func() (time.Time, time.Duration) {
		wall, mono := clock()
		if asked++; asked > 1 {
			wall = wall.Add(by)
		}
		return wall, mono
	}
}

// Each finding is found, and only it: all else is well.
func TestFindings(t *testing.T) {
	checkCases(t, cases)
}

func checkCases(t *testing.T, cases map[string]finding) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		tc := cases[name]
		m := healthy()
		tc.change(m)
		all := Run(t.Context(), m.System, m.plan)
		i := slices.IndexFunc(all, func(f Finding) bool { return f.ID == tc.id && f.Severity == tc.is && strings.Contains(f.What, tc.says) })
		if i < 0 {
			t.Errorf("%s: no finding %s, %s, %q:\n%s", name, tc.id, tc.is, tc.says, text(all))
		}
		for _, f := range all {
			bad := f.Severity == Warning || f.Severity == Error
			if f.Check == "" || f.ID == "" || f.Subject == "" || f.What == "" || bad != (f.Why != "") || bad != (f.Remedy != "") || !strings.HasPrefix(f.ID, f.Check+".") {
				t.Errorf("%s: the finding %+v says too little or too much", name, f)
			}
		}
		if worst := Worst(all); tc.is == Error && worst != Error || tc.is == Warning && worst == OK {
			t.Errorf("%s: the worst is %s", name, worst)
		}
	}
}

func text(all []Finding) string {
	var b strings.Builder
	to := json.NewEncoder(&b)
	for _, f := range all {
		_ = to.Encode(f)
	}
	return b.String()
}

func TestAHealthyMachineIsWell(t *testing.T) {
	m := healthy()
	m.plan.Listen = []string{"tcp://*:5555", "tcp://*:40000", "tcp://*:41005", "ipc:///run/new.sock"}
	m.plan.Dial = []string{"tcp://a.example:1", "ipc:///run/new.sock"}
	for _, f := range Run(t.Context(), m.System, m.plan) {
		if f.Severity != OK {
			t.Errorf("%+v", f)
		}
	}
	m.set("proc/self/status", "CapEff:\t0000000000000400\n")
	m.plan.Listen = []string{"tcp://*:80"}
	if all := Run(t.Context(), m.System, m.plan); Worst(all) != OK {
		t.Errorf("a user with the capability may listen on port 80:\n%s", text(all))
	}
	if Worst(nil) != OK || Worst([]Finding{{Severity: Unknown}}) != OK || Worst([]Finding{{Severity: Warning}, {Severity: OK}}) != Warning ||
		Worst([]Finding{{Severity: Warning}, {Severity: Error}, {Severity: OK}}) != Error {
		t.Error("the worst of findings is wrong")
	}
}

// The guide lists each finding by its id.
func TestGuideListsFindings(t *testing.T) {
	guide, err := os.ReadFile("../../../../docs/guide/command.md")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, all := range []map[string]finding{cases, certificateCases(t)} {
		for _, tc := range all {
			ids[tc.id] = true
		}
	}
	for id := range ids {
		if !strings.Contains(string(guide), "`"+id+"`") {
			t.Errorf("docs/guide/command.md does not list %s", id)
		}
	}
}

// A URL with a password is shown without it.
func TestSecretsAreHidden(t *testing.T) {
	m := healthy()
	m.plan.Listen = []string{"tcp://user:hunter2@host:1", "user:hunter2@host"}
	m.plan.Dial = []string{"tls+tcp://user:hunter2@host:1", "user:hunter2@host", "tcp://host:1?password=hunter2"}
	if all := text(Run(t.Context(), m.System, m.plan)); strings.Contains(all, "hunter2") {
		t.Errorf("a password is shown:\n%s", all)
	}
}

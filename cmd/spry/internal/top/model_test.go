// SPDX-License-Identifier: MIT

package top

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/observe"
)

// report is of a process with sockets whose names and numbers of sent messages are given.
func report(instance string, at time.Duration, sent map[string]uint64) *observe.Report {
	r := &observe.Report{Instance: instance, At: time.Unix(1000, 0).Add(at), Process: observe.Process{Name: "p" + instance, PID: len(instance)}}
	id := uint64(0)
	for _, name := range []string{"a", "b", "c", "evil\x1b[2J\n"} {
		n, ok := sent[name]
		if !ok {
			continue
		}
		id++
		st := spry.Stats{Name: name, At: r.At, Send: spry.SendStats{Sent: n}}
		st.Pipes = []spry.PipeStats{{ID: 1, Live: true, Remote: name + "-peer", SendLimit: 100, Send: spry.SendStats{Sent: n, Queued: 7}}}
		r.Sockets = append(r.Sockets, observe.SocketReport{ID: id, Protocol: "push", Stats: st})
	}
	return r
}

// A screenTest is a model that is fed by a test.
type screenTest struct {
	*testing.T
	m *Model
}

func newScreen(t *testing.T, sort string) screenTest {
	m := New(Options{
		Find: func() []string { return nil }, Ask: func(string) (*observe.Report, error) { return nil, nil }, Shown: func(n string) string { return n },
		Interval: time.Second, Sort: sort,
	})
	m.Update(tea.WindowSizeMsg{Width: 120, Height: 10})
	return screenTest{t, m}
}

func (s screenTest) press(keys ...string) {
	for _, k := range keys {
		code, named := map[string]rune{
			"up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight, "enter": tea.KeyEnter, "esc": tea.KeyEscape,
			"backspace": tea.KeyBackspace, "end": tea.KeyEnd, "home": tea.KeyHome, "pgdown": tea.KeyPgDown, "space": tea.KeySpace,
		}[k]
		key := tea.KeyPressMsg{Code: code}
		if !named {
			key = tea.KeyPressMsg{Code: []rune(k)[0], Text: k}
		}
		s.m.Update(key)
	}
}

// answer has a node answer.
func (s screenTest) answer(node string, r *observe.Report, err error) {
	s.m.Update(answerMsg{node, r, err})
}

// column is a column of the table, as it is on the screen.
func (s screenTest) names() (names []string) {
	for _, line := range strings.Split(ansi.Strip(s.m.screen()), "\n")[3:] {
		if fields := strings.Fields(line); len(fields) > 3 && fields[2] == "push" {
			names = append(names, fields[3])
		}
	}
	return names
}

func (s screenTest) wants(want ...string) {
	s.Helper()
	if got := s.names(); fmt.Sprint(got) != fmt.Sprint(want) {
		s.Errorf("the rows are %q, want %q\n%s", got, want, ansi.Strip(s.m.screen()))
	}
}

func TestRowsAreSorted(t *testing.T) {
	s := newScreen(t, "out")
	s.m.Update(foundMsg{"n1", "n22"})
	s.answer("n1", report("1", 0, map[string]uint64{"a": 0, "b": 0}), nil)
	s.answer("n22", report("22", 0, map[string]uint64{"c": 0}), nil)
	s.wants("a", "b", "c") // no rates yet: by process
	s.answer("n1", report("1", time.Second, map[string]uint64{"a": 10, "b": 30}), nil)
	s.answer("n22", report("22", 2*time.Second, map[string]uint64{"c": 40}), nil)
	s.wants("b", "c", "a") // 30, 20 and 10 a second
	s.press("r")
	s.wants("a", "c", "b")
	s.press("right", "left", "left") // over in and out to pipes
	if s.m.sort != "pipes" || s.m.reverse {
		t.Errorf("sorted by %s", s.m.sort)
	}
	s.answer("n1", report("111", time.Second, map[string]uint64{"a": 1000}), nil) // another process at the same address
	s.press("right")
	s.wants("c", "a")
}

func TestRowsAreSelected(t *testing.T) {
	s := newScreen(t, "name")
	s.m.Update(foundMsg{"n"})
	s.answer("n", report("1", 0, map[string]uint64{"a": 1, "b": 2, "c": 3}), nil)
	s.press("down")
	if rows := s.m.shown(); rows[s.m.at(rows)].Name != "b" {
		t.Error("the second row is not selected")
	}
	s.answer("n", report("1", time.Second, map[string]uint64{"b": 2, "c": 3}), nil) // which renumbers the sockets
	s.press("end", "enter")
	if screen := ansi.Strip(s.m.screen()); !strings.Contains(screen, "push c, socket 2: ") || !strings.Contains(screen, "pipe 1 with c-peer") {
		t.Errorf("the details are\n%s", screen)
	}
	s.press("esc", "home", "enter")
	if screen := ansi.Strip(s.m.screen()); !strings.Contains(screen, "push b, socket 1: ") {
		t.Errorf("the details are\n%s", screen)
	}
	s.press("?")
	if screen := ansi.Strip(s.m.screen()); !strings.Contains(screen, "sort by another column") {
		t.Errorf("the help is\n%s", screen)
	}
}

func TestRowsAreFiltered(t *testing.T) {
	s := newScreen(t, "name")
	s.m.Update(foundMsg{"n"})
	s.answer("n", report("1", 0, map[string]uint64{"a": 1, "b": 2, "c": 3}), nil)
	s.press("p", "/", "B", "-", "q")
	s.wants()
	s.press("backspace")
	if rows := s.m.shown(); len(rows) != 1 || rows[0].Peer != "b-peer" {
		t.Errorf("the rows are %+v", rows)
	}
	s.press("enter", "p")
	s.wants() // no socket has it in its name
	if screen := s.m.screen(); !strings.Contains(screen, "No row has that in it.") {
		t.Errorf("the screen is\n%s", screen)
	}
	s.press("esc")
	s.wants("a", "b", "c")
	s.press("/", "x", "esc")
	s.wants("a", "b", "c")
}

// A node that is slow is not asked again, one that fails is shown as it was, and one that is back as it is.
func TestNodesComeAndGo(t *testing.T) {
	s := newScreen(t, "name")
	if screen := s.m.screen(); !strings.Contains(screen, "Waiting for answers") {
		t.Errorf("at first the screen is\n%s", screen)
	}
	if _, cmd := s.m.Update(foundMsg{"n", "slow"}); cmd == nil {
		t.Error("nobody is asked")
	}
	s.answer("n", report("1", 0, map[string]uint64{"a": 1}), nil)
	s.m.Update(foundMsg{"n", "slow"})
	if !s.m.nodes[0].asking || !s.m.nodes[1].asking {
		t.Error("a node was forgotten")
	}
	s.answer("n", nil, errors.New("broken\x1b[2J"))
	s.wants("a")
	if screen := s.m.screen(); !strings.Contains(screen, "1 gone") || strings.Contains(screen, "\x1b[2J") || !strings.Contains(screen, "\x1b[3m") {
		t.Errorf("of a failed node the screen is %q", screen)
	}
	s.answer("n", report("1", time.Second, map[string]uint64{"b": 1}), nil)
	s.wants("b")
	s.m.Update(foundMsg{"slow"}) // of local processes, one that ended
	if screen := s.m.screen(); !strings.Contains(screen, "1 gone") {
		t.Errorf("the screen is\n%s", screen)
	}
	s.answer("unknown", report("9", 0, nil), nil)
}

func TestFiguresStop(t *testing.T) {
	s := newScreen(t, "name")
	s.m.Update(foundMsg{"n"})
	s.answer("n", report("1", 0, map[string]uint64{"a": 1}), nil)
	s.press("space")
	s.answer("n", report("1", time.Second, map[string]uint64{"b": 1}), nil)
	s.wants("a")
	s.press("space")
	s.answer("n", report("1", 2*time.Second, map[string]uint64{"b": 1}), nil)
	s.wants("b")
}

func TestItEnds(t *testing.T) {
	s := newScreen(t, "name")
	s.m.o.Rounds = 2
	for range 2 {
		s.m.Update(roundMsg{})
	}
	if _, cmd := s.m.Update(roundMsg{}); cmd == nil {
		t.Fatal("it goes on")
	} else if _, ok := cmd().(tea.QuitMsg); !ok {
		t.Error("it does not quit")
	}
	for _, key := range []tea.KeyPressMsg{{Code: 'q', Text: "q"}, {Code: 'c', Mod: tea.ModCtrl}} {
		if _, cmd := s.m.Update(key); cmd == nil {
			t.Errorf("%s does not end it", key)
		}
	}
}

// Whatever a node sends and however small the screen is, each line is as wide as it at most, and there are as many as it has.
func TestScreensOfAllSizes(t *testing.T) {
	s := newScreen(t, "name")
	s.m.Update(foundMsg{"n"})
	sockets := make(map[string]uint64)
	for _, name := range []string{"a", "b", "c", "evil\x1b[2J\n"} {
		sockets[name] = 1 << 60
	}
	r := report("1", 0, sockets)
	r.Sockets[0].Name = strings.Repeat("\u4e16", 300)
	r.Process.Name = strings.Repeat("\x00\xff", 1<<10)
	s.answer("n", r, nil)
	for _, keys := range [][]string{nil, {"p"}, {"enter"}, {"?"}, {"esc", "/", "x"}} {
		s.press(keys...)
		for width := 1; width < 200; width += 23 {
			for _, height := range []int{1, 2, 3, 5, 30} {
				s.m.Update(tea.WindowSizeMsg{Width: width, Height: height})
				lines := strings.Split(s.m.screen(), "\n")
				if len(lines) > max(height, 2) {
					t.Errorf("%d lines on a screen of %d", len(lines), height)
				}
				for _, line := range lines {
					if strings.ContainsAny(ansi.Strip(line), "\x00\x1b\n") || ansi.StringWidth(line) > width {
						t.Errorf("%d columns on a screen of %d: %q", ansi.StringWidth(line), width, line)
					}
				}
			}
		}
	}
}

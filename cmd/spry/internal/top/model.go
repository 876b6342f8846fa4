// SPDX-License-Identifier: MIT

// Package top shows the sockets and pipes of processes as a table on a terminal, which changes as they work.
package top

import (
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/sprymq/spry/cmd/spry/internal/figures"
	"github.com/sprymq/spry/observe"
)

// Options say what to show.
type Options struct {
	// Find returns the URLs of the nodes to show. It is called before each round.
	Find func() []string

	// Ask asks a node, and Shown is its URL without secrets.
	Ask   func(node string) (*observe.Report, error)
	Shown func(node string) string

	Interval time.Duration // between two rounds
	Rounds   int           // after which it ends; 0 means never
	Sort     string        // column
	Filter   string
	Pipes    bool // instead of sockets
}

// A Model is the state of the screen: bubbletea's model.
type Model struct {
	o     Options
	nodes []*node // in the order in which they were found

	width, height int
	pipes         bool // shown are pipes and not sockets
	sort          string
	reverse       bool
	filter        string
	typing        bool // the filter
	paused        bool
	page          page
	selected      row // of the shown rows
	first         int // row on the screen
	rounds        int
}

type page uint8

const (
	table page = iota
	detail
	help
)

// A node is a process that was found.
type node struct {
	url     string
	sampler figures.Sampler
	rows    figures.Rows
	report  *observe.Report
	asking  bool
	found   bool  // in the last round
	err     error // of the last answer
}

// A row names a row of the table.
type row struct {
	instance string
	socket   uint64
	pipe     uint32
}

func rowOf(r *figures.Row) row { return row{r.Instance, r.Socket, r.Pipe} }

// The messages beside bubbletea's.
type (
	roundMsg  struct{}
	foundMsg  []string
	answerMsg struct {
		node   string
		report *observe.Report
		err    error
	}
)

// New returns the model of a screen on which nothing is yet.
func New(o Options) *Model {
	return &Model{o: o, sort: o.Sort, filter: o.Filter, pipes: o.Pipes, width: 80, height: 24}
}

// Init implements tea.Model.
func (m *Model) Init() tea.Cmd { return func() tea.Msg { return roundMsg{} } }

// Update implements tea.Model.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		return m, m.key(msg)
	case tea.PasteMsg:
		if m.typing {
			m.filter += msg.Content
		}
	case roundMsg:
		m.rounds++
		if m.o.Rounds > 0 && m.rounds > m.o.Rounds {
			return m, tea.Quit
		}
		next := tea.Tick(m.o.Interval, func(time.Time) tea.Msg { return roundMsg{} })
		return m, tea.Batch(next, func() tea.Msg { return foundMsg(m.o.Find()) })
	case foundMsg:
		return m, m.round(msg)
	case answerMsg:
		m.answer(msg)
	}
	return m, nil
}

// round asks all nodes that have answered, and those that are new. One that is slow is not asked again, and holds no other up.
func (m *Model) round(urls []string) tea.Cmd {
	for _, n := range m.nodes {
		n.found = slices.Contains(urls, n.url)
	}
	for _, url := range urls {
		if !slices.ContainsFunc(m.nodes, func(n *node) bool { return n.url == url }) {
			m.nodes = append(m.nodes, &node{url: url, sampler: figures.Sampler{Node: m.o.Shown(url)}, found: true})
		}
	}
	var all []tea.Cmd
	for _, n := range m.nodes {
		if n.asking || !n.found {
			continue
		}
		n.asking = true
		all = append(all, func() tea.Msg {
			report, err := m.o.Ask(n.url)
			return answerMsg{n.url, report, err}
		})
	}
	return tea.Batch(all...)
}

func (m *Model) answer(a answerMsg) {
	i := slices.IndexFunc(m.nodes, func(n *node) bool { return n.url == a.node })
	if i < 0 {
		return
	}
	n := m.nodes[i]
	n.asking, n.err = false, a.err
	if a.err != nil || m.paused {
		return
	}
	n.report, n.rows = a.report, n.sampler.Rows(a.report)
}

// gone reports whether the figures of a node are old, because it does not answer or is not there any more.
func (n *node) gone() bool { return !n.found || n.err != nil }

// A shownRow is a row of the table as it is shown.
type shownRow struct {
	figures.Row
	gone bool
}

// shown are the rows of the table, sorted and filtered.
func (m *Model) shown() []shownRow {
	var rows []figures.Row
	gone := make(map[string]bool)
	for _, n := range m.nodes {
		all := n.rows.Sockets
		if m.pipes {
			all = n.rows.Pipes
		}
		for i := range all {
			if matches(&all[i], m.filter) {
				rows = append(rows, all[i])
			}
		}
		if n.report != nil {
			gone[n.report.Instance] = n.gone()
		}
	}
	Sort(rows, m.sort, m.reverse)
	shown := make([]shownRow, len(rows))
	for i, r := range rows {
		shown[i] = shownRow{r, gone[r.Instance]}
	}
	return shown
}

// at is the place of the selected row, or the nearest there is.
func (m *Model) at(rows []shownRow) int {
	return max(slices.IndexFunc(rows, func(r shownRow) bool { return rowOf(&r.Row) == m.selected }), 0)
}

// key does what a key is for.
func (m *Model) key(k tea.KeyPressMsg) tea.Cmd {
	name := k.String()
	if name == "ctrl+c" {
		return tea.Quit
	}
	if m.typing {
		m.typeFilter(name, k.Text)
		return nil
	}
	switch name {
	case "q":
		return tea.Quit
	case "esc":
		if m.page == table {
			m.filter = ""
		}
		m.page = table
	case "?", "h":
		m.page = toggled(m.page, help)
	case "enter":
		m.page = toggled(m.page, detail)
	case "p", "tab":
		m.pipes = !m.pipes
		m.first = 0
	case "space", " ":
		m.paused = !m.paused
	case "/":
		m.typing, m.page = true, table
	case "r":
		m.reverse = !m.reverse
	case "left", "right":
		m.sortBeside(name == "right")
	case "up", "k":
		m.move(-1)
	case "down", "j":
		m.move(1)
	case "pgup":
		m.move(-m.lines())
	case "pgdown":
		m.move(m.lines())
	case "home", "g":
		m.move(-1 << 30)
	case "end", "G":
		m.move(1 << 30)
	}
	return nil
}

func toggled(p, other page) page {
	if p == other {
		return table
	}
	return other
}

func (m *Model) typeFilter(name, typed string) {
	switch name {
	case "enter":
		m.typing = false
	case "esc":
		m.typing, m.filter = false, ""
	case "backspace":
		if runes := []rune(m.filter); len(runes) > 0 {
			m.filter = string(runes[:len(runes)-1])
		}
	default:
		m.filter += strings.Map(printable, typed)
	}
	m.first = 0
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return -1
	}
	return r
}

// sortBeside sorts by the column on the right of the one that rows are sorted by, or on its left.
func (m *Model) sortBeside(right bool) {
	visible := m.columns()
	i := slices.IndexFunc(visible, func(c column) bool { return c.name == m.sort })
	step := len(visible) - 1
	if right {
		step = 1
	}
	m.sort, m.reverse = visible[(max(i, 0)+step)%len(visible)].name, false
}

// columns are those of the table that is shown.
func (m *Model) columns() (visible []column) {
	for _, c := range columns {
		if !c.pipes || m.pipes {
			visible = append(visible, c)
		}
	}
	return visible
}

// move selects another row.
func (m *Model) move(by int) {
	rows := m.shown()
	if len(rows) == 0 {
		return
	}
	m.selected = rowOf(&rows[min(max(m.at(rows)+by, 0), len(rows)-1)].Row)
}

// lines is how many rows the screen has room for.
func (m *Model) lines() int { return max(m.height-4, 1) }

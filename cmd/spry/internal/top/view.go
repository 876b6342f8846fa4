// SPDX-License-Identifier: MIT

package top

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/sprymq/spry/cmd/spry/internal/figures"
	tables "github.com/sprymq/spry/cmd/spry/internal/table"
)

// View implements tea.Model.
func (m *Model) View() tea.View {
	v := tea.NewView(m.screen())
	v.AltScreen = true
	v.WindowTitle = "spry top"
	return v
}

// screen is what the screen shows: at most its height in lines, none longer than its width.
func (m *Model) screen() string {
	var lines []string
	switch m.page {
	case help:
		lines = strings.Split(keys, "\n")
	case detail:
		lines = m.detail()
	default:
		lines = m.table()
	}
	lines = append([]string{m.status(), ""}, lines...)
	if room := max(m.height-1, 1); len(lines) > room {
		lines = lines[:room]
	}
	lines = append(lines, make([]string, max(m.height-1-len(lines), 0))...)
	lines = append(lines, m.foot())
	for i := range lines {
		lines[i] = ansi.Truncate(lines[i], m.width, "…")
	}
	return strings.Join(lines, "\n")
}

const keys = `Keys

  up, down, k, j     select a row; page up, page down, home and end too
  left, right        sort by another column
  r                  sort the other way round
  p, tab             show pipes, or sockets
  enter              show all of the selected row's socket
  /                  show only rows with a text in them; escape shows all
  space              stop the figures, or let them go on
  ?, h               this help
  q, ctrl+c          end

Rates are those since the last round. A row in italics is of a process that does not answer, or is gone.`

// status is the first line.
func (m *Model) status() string {
	processes, sockets, gone := 0, 0, 0
	var failed error
	for _, n := range m.nodes {
		if n.gone() {
			gone++
			if n.err != nil {
				failed = n.err
			}
			continue
		}
		if n.report != nil {
			processes++
			sockets += len(n.rows.Sockets)
		}
	}
	text := fmt.Sprintf("spry top: %s, %s", processCount(processes), figures.Count(sockets, "socket"))
	if gone > 0 {
		text += fmt.Sprintf(", %d gone", gone)
	}
	order := "by " + m.sort
	if m.reverse {
		order += ", reversed"
	}
	text += "; " + order
	if m.filter != "" || m.typing {
		text += "; with " + figures.Text(m.filter, 40)
		if m.typing {
			text += "_"
		}
	}
	if m.paused {
		text += "; stopped"
	}
	if failed != nil {
		text += "; " + figures.Text(failed.Error(), 200)
	}
	return bold(text)
}

func processCount(n int) string {
	if n == 1 {
		return "1 process"
	}
	return fmt.Sprintf("%d processes", n)
}

func (m *Model) foot() string {
	if m.typing {
		return "type a text; enter keeps it, escape shows all"
	}
	return "p pipes  / filter  left right sort  r reverse  enter details  space stop  ? help  q end"
}

// table is the table, with its headings.
func (m *Model) table() []string {
	rows := m.shown()
	if len(rows) == 0 {
		return []string{m.nothing()}
	}
	visible := m.columns()
	t := tables.Table{Left: make(map[int]bool)}
	for i, c := range visible {
		heading := c.heading
		if c.name == m.sort {
			heading += map[bool]string{false: "▾", true: "▴"}[m.reverse]
		}
		t.Headings = append(t.Headings, heading)
		t.Left[i] = c.left
	}
	at := m.at(rows)
	m.first = min(max(m.first, at-m.lines()+1), at)
	m.first = max(min(m.first, len(rows)-m.lines()), 0)
	for i := range rows {
		cells := make([]string, len(visible))
		for j, c := range visible {
			cells[j] = c.cell(&rows[i].Row)
		}
		t.Rows = append(t.Rows, cells)
	}
	var text strings.Builder
	_ = t.Write(&text) // to memory
	all := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
	lines := []string{underlined(all[0])}
	for i := m.first; i < min(len(rows), m.first+m.lines()); i++ {
		line := all[1+i]
		if rows[i].gone {
			line = italic(line)
		}
		if i == at {
			line = inverse(line)
		}
		lines = append(lines, line)
	}
	return lines
}

// nothing says why there is no row.
func (m *Model) nothing() string {
	asking := false
	for _, n := range m.nodes {
		asking = asking || n.asking
		if len(n.rows.Sockets) > 0 {
			return "No row has that in it."
		}
	}
	switch {
	case asking || m.rounds <= 1:
		return "Waiting for answers ..."
	case len(m.nodes) == 0:
		return "No process of this user on this machine calls observe.ServeLocal."
	}
	return "No process that answers has sockets."
}

// detail is the tree of the socket of the selected row.
func (m *Model) detail() []string {
	rows := m.shown()
	if len(rows) == 0 {
		return []string{m.nothing()}
	}
	selected := rows[m.at(rows)]
	for _, n := range m.nodes {
		if n.report == nil || n.report.Instance != selected.Instance {
			continue
		}
		for i := range n.report.Sockets {
			if s := &n.report.Sockets[i]; s.ID == selected.Socket {
				var wrapped []string
				for _, line := range figures.SocketTree(s) {
					wrapped = append(wrapped, strings.Split(ansi.Wrap(line, max(m.width, 20), ""), "\n")...)
				}
				return wrapped
			}
		}
	}
	return []string{"The socket is gone."}
}

func bold(s string) string       { return "\x1b[1m" + s + "\x1b[22m" }
func italic(s string) string     { return "\x1b[3m" + s + "\x1b[23m" }
func underlined(s string) string { return "\x1b[4m" + s + "\x1b[24m" }
func inverse(s string) string    { return "\x1b[7m" + s + "\x1b[27m" }

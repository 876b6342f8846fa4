// SPDX-License-Identifier: MIT

package main

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
)

//go:embed style.css
var colourRules string

// shapes are the rules without colours.
const shapes = `
svg { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
rect { stroke-width: 1.3 }
.paper { stroke: none }
.name { font-weight: 600; font-size: 14px }
.small, .counted, .pressure, .strong { font-size: 12px }
.waits, .dropped, .strong { font-weight: 600 }
.code, .counted tspan, .counted { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 12px }
.label, .lostlabel { font: 600 12px system-ui, sans-serif; text-anchor: middle }
.mid { text-anchor: middle } .end { text-anchor: end }
.bar, .ours { stroke: none }
.line { fill: none; stroke-width: 1.7 }
.reply { stroke-dasharray: none } .thin { stroke-width: 1.2 }
.rule { stroke-width: 1 }
.back { stroke-dasharray: 5 4 } .count { stroke-width: 1.3 }
`

// palette has the colours of light and dark pages.
var palette = map[string][2]string{
	"paper":      {"#ffffff", "#0d1117"},
	"ink":        {"#1d2430", "#e4e9f1"},
	"soft":       {"#566074", "#a3adbd"},
	"grey":       {"#f4f6f9", "#171d27"},
	"greyline":   {"#8a94a6", "#6b7587"},
	"blue":       {"#e3eefc", "#14263f"},
	"blueline":   {"#3b74c0", "#5b94e0"},
	"amber":      {"#fdf1dc", "#33270f"},
	"amberline":  {"#c08a2b", "#d0a050"},
	"teal":       {"#dff5f0", "#0d2f2a"},
	"tealline":   {"#1f8a78", "#45b8a4"},
	"violet":     {"#efe8fb", "#251a3d"},
	"violetline": {"#7a52c0", "#a98be6"},
	"message":    {"#2f6ac0", "#5b94e0"},
	"onmessage":  {"#ffffff", "#0d1117"},
	"green":      {"#2d7a46", "#6fc48b"},
	"red":        {"#b3402f", "#f08a78"},
}

var colourName = regexp.MustCompile(`\$[a-z]+`)

// style returns the style sheet of every picture. It has no variables, which some viewers do not know.
func style() string {
	rules := colourRules[strings.Index(colourRules, "*/\n")+3:]
	page := func(dark int) string {
		return colourName.ReplaceAllStringFunc(rules, func(name string) string {
			pair, ok := palette[name[1:]]
			if !ok {
				panic("style.css: no colour " + name)
			}
			return pair[dark]
		})
	}
	return fmt.Sprintf("<style>%s%s@media (prefers-color-scheme: dark) {\n%s}\n</style>\n", shapes, page(0), page(1))
}

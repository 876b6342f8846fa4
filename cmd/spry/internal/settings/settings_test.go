// SPDX-License-Identifier: MIT

package settings_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/settings"
)

func TestParse(t *testing.T) {
	tables, errs := settings.Parse([]byte("a = \"x\\ty\" # comment\nb = 1_000\n\n[t.u]\nc = true\n[[v]]\nd = [\n \"1\", # one\n '2',\n]\n[[v]]\ne = [1]\nf = 1979-05-27\n"))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var got strings.Builder
	for _, table := range tables {
		fmt.Fprintf(&got, "%d %q %v:", table.Line, table.Name, table.Repeated)
		for _, s := range table.Settings {
			fmt.Fprintf(&got, " %d %s %d %q %q", s.Line, s.Key, s.Kind, s.Text, s.List)
		}
		got.WriteString("\n")
	}
	want := `1 "" false: 1 a 0 "x\ty" [] 2 b 1 "1000" []
4 "t.u" false: 5 c 2 "true" []
6 "v" true: 7 d 3 "" ["1" "2"]
11 "v" true: 12 e 4 "" [] 13 f 4 "" []
`
	if got.String() != want {
		t.Errorf("got:\n%s", &got)
	}
}

func TestBreachesOfSyntax(t *testing.T) {
	for text, want := range map[string]string{
		"a = 1\n\na = 2":      `3: "a" is already on line 1; leave one of them out`,
		"a.b = 1":             `1: "a.b": no key has a dot; write [a] on a line of its own for a table`,
		"a = 1\nb = \"x\nc=1": `2: no TOML: `,
		"a = 1\nb":            `2: no TOML: `,
		"a = ":                `1: no TOML: `,
		"a = [1,\n2\n\n":      `3: no TOML: `,
		"\n\n[x":              `3: no TOML: `,
		"a = \"\xff\"":        `1: no TOML: `,
		"a = 1 b = 2":         `1: no TOML: `,
	} {
		_, errs := settings.Parse([]byte(text))
		if len(errs) != 1 || !strings.HasPrefix(errs[0].Error(), want) {
			t.Errorf("%q: %q; want %q", text, errs, want)
		}
	}
}

// Each sort of key takes its values, and says what others should be.
func TestKeys(t *testing.T) {
	var v struct {
		text    string
		texts   []string
		yes     bool
		number  int
		count   int
		size    int64
		any     int64
		span    time.Duration
		perTime float64
	}
	keys := []settings.Key{
		settings.String("text", &v.text), settings.Strings("texts", &v.texts), settings.Yes("yes", &v.yes), settings.Int("number", &v.number),
		settings.Count("count", &v.count), settings.Size("size", &v.size), settings.SizeOrUnlimited("any", &v.any),
		settings.Duration("span", &v.span), settings.Rate("rate", &v.perTime),
	}
	set := func(text string) string {
		tables, errs := settings.Parse([]byte(text))
		lines, more := tables[0].Set(keys)
		if errs = append(errs, more...); len(errs) > 0 {
			return errors.Join(errs...).Error()
		}
		return fmt.Sprint(lines)
	}
	for text, want := range map[string]func() bool{
		`text = "a"`:         func() bool { return v.text == "a" },
		`texts = "a"`:        func() bool { return slices.Equal(v.texts, []string{"a"}) },
		`texts = ["a", "b"]`: func() bool { return slices.Equal(v.texts, []string{"a", "b"}) },
		`yes = true`:         func() bool { return v.yes },
		`yes = false`:        func() bool { return !v.yes },
		`number = 3`:         func() bool { return v.number == 3 },
		`count = 3`:          func() bool { return v.count == 3 },
		`count = "10k"`:      func() bool { return v.count == 10_000 },
		`size = 1_000`:       func() bool { return v.size == 1000 },
		`size = "1MiB"`:      func() bool { return v.size == 1<<20 },
		`any = "unlimited"`:  func() bool { return v.any == -1 },
		`span = 2`:           func() bool { return v.span == 2*time.Second },
		`span = "1m30s"`:     func() bool { return v.span == 90*time.Second },
		`rate = "90/m"`:      func() bool { return v.perTime == 1.5 },
		`rate = 2.5`:         func() bool { return v.perTime == 2.5 },
	} {
		if got := set(text); !strings.HasPrefix(got, "map[") || !want() {
			t.Errorf("%s: %s, %+v", text, got, v)
		}
	}
	for text, want := range map[string]string{
		`text = 1`:           `1: text: write a text`,
		`text = ""`:          `1: text: it is empty`,
		`texts = 1`:          `1: texts: write a text, or a list`,
		`texts = [1]`:        `1: texts: write a text, or a list`,
		`yes = "true"`:       `1: yes: write true or false`,
		`number = "3"`:       `1: number: write a whole number`,
		`number = 1.5`:       `1: number: write a whole number`,
		`number = 0`:         `1: number: it is above 0`,
		`count = -1`:         `1: count: write a number`,
		`count = "1T"`:       `1: count: it is too many`,
		`size = "unlimited"`: `1: size: write a size like 512, 64KiB or 10MB`,
		`size = "1 apple"`:   `1: size: write a size like 512, 64KiB or 10MB`,
		`size = 0`:           `1: size: it is above 0`,
		`any = true`:         `1: any: write a size`,
		`span = "-1s"`:       `1: span: write a time`,
		`span = 0`:           `1: span: it is above 0`,
		`rate = []`:          `1: rate: write a rate`,
		`_text = "a"`:        `1: "_text" is no key of the top of the file; write text`,
		`test = "a"`:         `1: "test" is no key of the top of the file; there are any, count, number`,
	} {
		if got := set(text); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s; want %s", text, got, want)
		}
	}
}

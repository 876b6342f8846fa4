// SPDX-License-Identifier: MIT

package settings

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/units"
)

// A Key is a setting that a table may have.
type Key struct {
	Name string
	set  func(Value) error
}

// Set reads the settings of a table, and returns the lines of those that are good, and all errors.
func (t *Table) Set(keys []Key) (lines map[string]int, errs []error) {
	lines = map[string]int{}
	for _, s := range t.Settings {
		at := slices.IndexFunc(keys, func(k Key) bool { return k.Name == s.Key })
		if at < 0 {
			errs = append(errs, errorf(s.Line, "%q is no key of %s%s", s.Key, t.heading(), similar(s.Key, keys)))
			continue
		}
		if err := keys[at].set(s.Value); err != nil {
			errs = append(errs, errorf(s.Line, "%s: %w", s.Key, err))
			continue
		}
		lines[s.Key] = s.Line
	}
	return lines, errs
}

func (t *Table) heading() string {
	switch {
	case t.Name == "":
		return "the top of the file"
	case t.Repeated:
		return "[[" + t.Name + "]]"
	}
	return "[" + t.Name + "]"
}

// similar suggests a key instead of one that does not exist, or lists all.
func similar(wrong string, keys []Key) string {
	var names []string
	plain := strings.NewReplacer("-", "", "_", "").Replace
	for _, k := range keys {
		if strings.EqualFold(plain(k.Name), plain(wrong)) || strings.EqualFold(plain(k.Name), plain(wrong)+"s") || strings.EqualFold(plain(k.Name)+"s", plain(wrong)) {
			return fmt.Sprintf("; write %s", k.Name)
		}
		names = append(names, k.Name)
	}
	slices.Sort(names)
	return "; there are " + strings.Join(names, ", ")
}

var (
	errText   = errors.New(`write a text: "..."`)
	errTexts  = errors.New(`write a text, or a list of texts: ["...", "..."]`)
	errBool   = errors.New("write true or false")
	errZero   = errors.New("it is above 0; leave the key out for the default")
	errNumber = errors.New("write a whole number")
)

// String is a key with a text.
func String(name string, to *string) Key {
	return Key{name, func(v Value) error {
		if v.Kind != Text {
			return errText
		}
		if v.Text == "" {
			return errors.New("it is empty; leave the key out for the default")
		}
		*to = v.Text
		return nil
	}}
}

// Strings is a key with a list of texts, or one.
func Strings(name string, to *[]string) Key {
	return Key{name, func(v Value) error {
		switch v.Kind {
		case Text:
			*to = []string{v.Text}
		case List:
			*to = v.List
		default:
			return errTexts
		}
		return nil
	}}
}

// Yes is a key with true or false.
func Yes(name string, to *bool) Key {
	return Key{name, func(v Value) error {
		if v.Kind != Bool {
			return errBool
		}
		*to = v.Text == "true"
		return nil
	}}
}

// Int is a key with a whole number above 0.
func Int(name string, to *int) Key {
	return Key{name, func(v Value) error {
		if v.Kind != Number {
			return errNumber
		}
		n, err := strconv.ParseInt(v.Text, 10, 32)
		switch {
		case err != nil:
			return errNumber
		case n <= 0:
			return errZero
		}
		*to = int(n)
		return nil
	}}
}

// Size is a key with a number of bytes, as the flags of the command have it.
func Size(name string, to *int64) Key { return size(name, to, false) }

// SizeOrUnlimited is a key with a number of bytes, or with "unlimited", which is -1.
func SizeOrUnlimited(name string, to *int64) Key { return size(name, to, true) }

func size(name string, to *int64, unlimited bool) Key {
	return quantity(name, to, func(text string) (int64, error) {
		n, err := units.ParseSize(text)
		if !unlimited && (err != nil || n < 0) {
			return 0, errors.New("write a size like 512, 64KiB or 10MB")
		}
		return n, err
	})
}

// Duration is a key with a time, as the flags of the command have it: a number is seconds.
func Duration(name string, to *time.Duration) Key { return quantity(name, to, units.ParseDuration) }

// Count is a key with a number of things.
func Count(name string, to *int) Key {
	return quantity(name, to, func(text string) (int, error) {
		n, err := units.ParseCount(text)
		if err == nil && int64(int32(n)) != n {
			err = errors.New("it is too many")
		}
		return int(n), err
	})
}

// Rate is a key with a number of things in a time.
func Rate(name string, to *float64) Key { return quantity(name, to, units.ParseRate) }

// quantity is a key with a number other than 0, or a text that parse reads.
func quantity[T int | int64 | float64 | time.Duration](name string, to *T, parse func(string) (T, error)) Key {
	return Key{name, func(v Value) error {
		if v.Kind != Number && v.Kind != Text {
			v.Text = "" // which nothing parses
		}
		n, err := parse(v.Text)
		if err == nil && n == 0 {
			err = errZero
		}
		if err != nil {
			return err
		}
		*to = n
		return nil
	}}
}

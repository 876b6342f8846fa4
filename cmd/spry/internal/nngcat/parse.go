// SPDX-License-Identifier: MIT

package nngcat

import (
	"fmt"
	"strings"
)

// An option is one that nngcat knows. Its name also stands for it in code.
type option struct {
	name  string
	short byte // 0 for none
	arg   bool // it takes a value
}

// options of nngcat 1.5, those of its protocols included. Aliases for the same thing have entries of their own.
var options = append(ownOptions, protocolOptions()...)

func protocolOptions() (options []option) {
	for name := range protocols {
		options = append(options, option{name: name})
	}
	return options
}

var ownOptions = []option{
	{"help", 'h', false},
	{"verbose", 'v', false},
	{"silent", 'q', false},
	{"sub", 0, false},
	{"pair", 0, false},
	{"dial", 0, true},
	{"listen", 0, true},
	{"connect", 0, true},
	{"bind", 0, true},
	{"bind-ipc", 'X', true},
	{"connect-ipc", 'x', true},
	{"bind-local", 'L', true},
	{"connect-local", 'l', true},
	{"data", 'D', true},
	{"file", 'F', true},
	{"subscribe", 0, true},
	{"format", 0, true},
	{"ascii", 'A', false},
	{"quoted", 'Q', false},
	{"raw", 0, false},
	{"hex", 0, false},
	{"msgpack", 0, false},
	{"interval", 'i', true},
	{"delay", 'd', true},
	{"count", 'C', true},
	{"recv-timeout", 0, true},
	{"send-timeout", 0, true},
	{"recv-maxsz", 'Z', true},
	{"compat", 0, false},
	{"async", 0, false},
	{"socket-name", 0, true},
	{"insecure", 'k', false},
	{"cacert", 0, true},
	{"key", 0, true},
	{"cert", 'E', true},
	{"zt-home", 0, true},
	{"version", 'V', false},
}

// given is an option as it stands on the command line.
type given struct {
	name, value string
}

// scan splits the arguments into options. As in nngcat, it ends at the first argument that is not an option, and ignores the
// rest. A long name may be abbreviated if it is unambiguous, and has its value after =, after :, or in the next argument; a
// short one has it right behind it, or in the next argument. Short ones cannot be joined.
//
// On error, the options before it are returned too: nngcat acts upon each in turn, so that an earlier fault in a value is
// reported before a later one in a name.
func scan(args []string) (list []given, err error) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if len(arg) < 2 || arg[0] != '-' {
			break
		}
		o, value, attached, err := match(arg)
		switch {
		case err != nil:
			return list, err
		case attached && !o.arg:
			return list, fmt.Errorf("Option %s is invalid.", arg)
		case o.arg && !attached:
			if i++; i == len(args) {
				return list, fmt.Errorf("Option %s requires argument.", arg)
			}
			value = args[i]
		}
		list = append(list, given{o.name, value})
	}
	return list, nil
}

// match finds the option that an argument names, and the value attached to it.
func match(arg string) (o option, value string, attached bool, err error) {
	name, long := strings.CutPrefix(arg, "--")
	if !long {
		for _, o := range options {
			if o.short == arg[1] {
				return o, arg[2:], len(arg) > 2, nil
			}
		}
		return option{}, "", false, fmt.Errorf("Option %s is invalid.", arg)
	}
	if end := strings.IndexAny(name, "=:"); end >= 0 {
		name, value, attached = name[:end], name[end+1:], true
	}
	found := 0
	for _, candidate := range options {
		if candidate.name == name {
			return candidate, value, attached, nil
		}
		if strings.HasPrefix(candidate.name, name) {
			o = candidate
			found++
		}
	}
	switch found {
	case 0:
		return option{}, "", false, fmt.Errorf("Option %s is invalid.", arg)
	case 1:
		return o, value, attached, nil
	}
	return option{}, "", false, fmt.Errorf("Option %s is ambiguous (specify in full).", arg)
}

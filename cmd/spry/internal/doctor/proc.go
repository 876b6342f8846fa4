// SPDX-License-Identifier: MIT

package doctor

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// read returns the text of a file below the root, without spaces around it.
func (s *System) read(name string) (string, error) {
	b, err := fs.ReadFile(s.Root, name)
	return strings.TrimSpace(string(b)), err
}

// setting returns the value of a setting of the kernel that is a number. name is as sysctl writes it.
func (s *System) setting(name string) (int64, error) {
	all, err := s.settings(name)
	if err != nil {
		return 0, err
	}
	return all[0], nil
}

// settings returns the values of a setting that is several numbers.
func (s *System) settings(name string) (values []int64, err error) {
	text, err := s.read("proc/sys/" + strings.ReplaceAll(name, ".", "/"))
	if err != nil {
		return nil, err
	}
	for word := range strings.FieldsSeq(text) {
		n, err := strconv.ParseUint(word, 10, 63)
		if err != nil {
			return nil, fmt.Errorf("%s is %q", name, text)
		}
		values = append(values, int64(n))
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("%s is empty", name)
	}
	return values, nil
}

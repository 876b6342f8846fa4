// SPDX-License-Identifier: MIT

package recording

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A segment is a file in a folder.
type segment struct {
	path     string
	first    uint64 // number of its first message
	messages uint64
	bytes    int64
	last     time.Time // of its last message
}

// suffix is that of the names of segments.
const suffix = ".spry"

// segmentName is the name of the segment that begins with a message. Names in their order are segments in their order.
func segmentName(first uint64) string { return fmt.Sprintf("%020d%s", first, suffix) }

// segments are those of a folder, in order. Other files are none.
func segments(folder string) (list []segment, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		digits, is := strings.CutSuffix(e.Name(), suffix)
		first, err := strconv.ParseUint(digits, 10, 64)
		if is && err == nil && first > 0 && e.Name() == segmentName(first) {
			list = append(list, segment{path: filepath.Join(folder, e.Name()), first: first})
		}
	}
	slices.SortFunc(list, func(a, b segment) int { return strings.Compare(a.path, b.path) })
	return list, nil
}

// survey counts the messages of a segment, whole ones, and returns the time of the last.
func survey(path string) (n uint64, last time.Time, err error) {
	r, err := Open(path, nil, ReadOptions{})
	if err != nil {
		return 0, last, err
	}
	defer r.Close()
	for {
		m, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return n, last, nil
		}
		if err != nil {
			return n, last, fmt.Errorf("%s: %w", path, err)
		}
		n++
		last = m.Time
	}
}

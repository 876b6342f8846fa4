// SPDX-License-Identifier: MIT

package hist_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/hist"
)

// A histogram's form in JSON is read again as it was, and its names stay.
func TestJSON(t *testing.T) {
	h := hist.Coarse()
	for _, d := range []time.Duration{0, 3, 3, 100, time.Second} {
		h.Add(d)
	}
	text, err := json.Marshal(h)
	if want := `{"count":5,"sum_ns":1000000106,"max_ns":1000000000,"buckets":[[0,1],[3,2],[103,1],[1006632959,1]]}`; err != nil || string(text) != want {
		t.Fatalf("got %s, %v\nwant %s", text, err, want)
	}
	var read hist.Histogram
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if again, err := json.Marshal(read); err != nil || string(again) != string(text) {
		t.Errorf("read as %s, %v", again, err)
	}
	for _, bad := range []string{
		`{"count":1,"buckets":[[-1,1]]}`, `{"count":1,"buckets":[[1,-1]]}`, `{"count":1,"buckets":[[1,2]]}`, `{"count":3,"buckets":[[1,2]]}`,
		`{"count":-1}`, `{"count":0,"sum_ns":-1}`, `[]`,
	} {
		if err := json.Unmarshal([]byte(bad), &read); err == nil {
			t.Errorf("%s is taken for a histogram", bad)
		}
	}
}

// Histograms merge, whatever their precision, and an earlier one can be taken away.
func TestMergeAndSince(t *testing.T) {
	h, fine := hist.Coarse(), hist.Histogram{}
	for i := range 1000 {
		h.Add(time.Duration(i))
		fine.Add(time.Duration(i))
	}
	earlier := h.Clone()
	h.Merge(&fine)
	if h.Count() != 2000 || h.Sum() != 2*earlier.Sum() || h.AtMost(511) != 1024 || h.Mean() != 499 {
		t.Errorf("merged: %d, %v, %d, %v", h.Count(), h.Sum(), h.AtMost(511), h.Mean())
	}
	d := h.Since(&earlier)
	if d.Count() != 1000 || d.Sum() != earlier.Sum() || d.AtMost(511) != 512 {
		t.Errorf("since: %d, %v, %d", d.Count(), d.Sum(), d.AtMost(511))
	}
	var empty hist.Histogram
	empty.Merge(&earlier)
	if got := empty.Percentile(50); got < 499 || got > 499+499/8 {
		t.Errorf("the median is %d", got)
	}
	none := (*hist.Histogram)(nil).Clone()
	if none.Count() != 0 {
		t.Error("a histogram of nothing counts")
	}
}

// SPDX-License-Identifier: MIT

package jupyter

import (
	"slices"
	"strings"
	"testing"
)

func TestMessages(t *testing.T) {
	s := NewSession("key")
	request := Message{Route: [][]byte{[]byte("peer")}, Header: Header{ID: "1", Type: "question"}}
	m, err := s.New("answer", &request, map[string]int{"n": 7})
	if err != nil {
		t.Fatal(err)
	}
	frames, err := s.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	frames = append(frames, []byte("a buffer, which is not signed"))

	got, err := NewSession("key").Decode(frames)
	var content struct{ N int }
	if err != nil || got.Header != m.Header || got.Parent != request.Header || string(got.Route[0]) != "peer" || got.Unmarshal(&content) != nil || content.N != 7 {
		t.Errorf("%+v came back as %+v, %v", m, got, err)
	}
	if _, err := NewSession("another").Decode(frames); err == nil || !strings.Contains(err.Error(), "signature") {
		t.Errorf("another key: %v", err)
	}
	for i := 2; i < 7; i++ { // the signature and the four parts that it is of
		changed := slices.Clone(frames)
		changed[i] = append([]byte(" "), frames[i]...)
		if _, err := s.Decode(changed); err == nil {
			t.Errorf("a change of frame %d went unnoticed", i)
		}
	}
	for n := range 7 {
		if _, err := s.Decode(frames[:n]); err == nil {
			t.Errorf("%d frames were taken for a message", n)
		}
	}
}

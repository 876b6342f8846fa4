// SPDX-License-Identifier: MIT

package pattern

import "slices"

// A set is a list of distinct items in no order. Adding and removing take the same few steps however many there are. The zero
// set is empty, and a set is not copied.
type set[T comparable] struct {
	list []T
	at   map[T]int // where in the list, if it is long
}

// listedItems is how many items a set has without a map.
const listedItems = 32

func (s *set[T]) len() int { return len(s.list) }

// add adds an item that is not in the set.
func (s *set[T]) add(item T) {
	s.list = append(s.list, item)
	switch n := len(s.list); {
	case s.at != nil:
		s.at[item] = n - 1
	case n > listedItems:
		s.at = make(map[T]int, n)
		for i, item := range s.list {
			s.at[item] = i
		}
	}
}

// remove removes an item and reports whether it was in the set. The last item takes its place.
func (s *set[T]) remove(item T) bool {
	i, there := s.at[item]
	if s.at == nil {
		i = slices.Index(s.list, item)
		there = i >= 0
	}
	if !there {
		return false
	}
	last := len(s.list) - 1
	s.list[i] = s.list[last]
	clear(s.list[last:])
	s.list = s.list[:last]
	if s.at != nil {
		delete(s.at, item)
		if i < last {
			s.at[s.list[i]] = i
		}
		if last <= listedItems/2 {
			s.at = nil
		}
	}
	return true
}

// SPDX-License-Identifier: MIT

package pattern

import (
	"slices"
	"strings"
)

// A page is a node of a sorted map from strings to values: a balanced tree (AVL) whose nodes hold up to pageItems items
// each, so that the memory of an item is close to that of its string. A nil page is an empty map.
//
// Pages are immutable. A change copies the path to its page and returns the new root, so that readers need no lock. All
// operations take a logarithmic number of steps, whatever the strings are; a recursion is as deep as the tree is high.
type page[V any] struct {
	left, right *page[V]
	items       []item[V] // sorted by key; never empty
	tops        []uint8   // for each item, the index of the shortest key of the page that is a prefix of its key

	// Of the whole subtree.
	last   string // the last key
	cover  string // the shortest key that is a prefix of last
	size   int32  // items
	height int8
}

type item[V any] struct {
	value V
	key   string
}

const (
	pageItems = 64 // most items of a page
	pageFew   = 8  // a page with fewer items is dissolved into its neighbours
)

// leaf returns a page of these items without children. It keeps the slice.
func leaf[V any](items []item[V]) *page[V] {
	tops := make([]uint8, len(items))
	top := 0
	for i := range items {
		if !strings.HasPrefix(items[i].key, items[top].key) {
			top = i
		}
		tops[i] = uint8(top)
	}
	return (&page[V]{items: items, tops: tops}).with(nil, nil)
}

// with returns a copy of the page between these children.
func (p *page[V]) with(left, right *page[V]) *page[V] {
	own := len(p.items) - 1
	n := &page[V]{
		left: left, right: right, items: p.items, tops: p.tops, last: p.items[own].key,
		size: left.len() + right.len() + int32(own+1), height: 1 + max(left.high(), right.high()),
	}
	if right != nil {
		n.last = right.last
	}
	// A key of the left subtree that is a prefix of last is also one of everything between, and so of the last key there.
	// The shortest such key is therefore the left subtree's cover, or none of its keys is one.
	switch cover := p.items[p.tops[own]].key; {
	case left != nil && strings.HasPrefix(n.last, left.cover):
		n.cover = left.cover
	case right == nil || strings.HasPrefix(n.last, cover):
		n.cover = cover
	default:
		n.cover = right.cover
	}
	return n
}

func (p *page[V]) len() int32 {
	if p == nil {
		return 0
	}
	return p.size
}

func (p *page[V]) high() int8 {
	if p == nil {
		return 0
	}
	return p.height
}

// balance returns p between left and right; one of them may be higher than the other by two.
func (p *page[V]) balance(left, right *page[V]) *page[V] {
	switch {
	case left.high() > right.high()+1:
		if left.left.high() >= left.right.high() {
			return left.with(left.left, p.with(left.right, right))
		}
		up := left.right
		return up.with(left.with(left.left, up.left), p.with(up.right, right))
	case right.high() > left.high()+1:
		if right.right.high() >= right.left.high() {
			return right.with(p.with(left, right.left), right.right)
		}
		up := right.left
		return up.with(p.with(left, up.left), right.with(up.right, right.right))
	}
	return p.with(left, right)
}

// search returns the index in the page of the first key that is not less than key.
func (p *page[V]) search(key string) (i int, found bool) {
	return slices.BinarySearchFunc(p.items, key, func(it item[V], key string) int { return strings.Compare(it.key, key) })
}

// find returns the page that has key, and where, or nil.
func (p *page[V]) find(key string) (*page[V], int) {
	for p != nil {
		switch own := len(p.items) - 1; {
		case key < p.items[0].key:
			p = p.left
		case key > p.items[own].key:
			p = p.right
		default:
			if i, found := p.search(key); found {
				return p, i
			}
			return nil, 0
		}
	}
	return nil, 0
}

// insert returns the tree with one more item, with a new key.
func (p *page[V]) insert(it item[V]) *page[V] {
	if p == nil {
		return leaf([]item[V]{it})
	}
	own := len(p.items) - 1
	switch {
	case it.key < p.items[0].key && p.left != nil:
		return p.balance(p.left.insert(it), p.right)
	case it.key > p.items[own].key && p.right != nil:
		return p.balance(p.left, p.right.insert(it))
	}
	at, _ := p.search(it.key)
	items := make([]item[V], len(p.items)+1)
	copy(items, p.items[:at])
	items[at] = it
	copy(items[at+1:], p.items[at:])
	if len(items) <= pageItems {
		return (&page[V]{items: items, tops: p.topsWith(at, items)}).with(p.left, p.right)
	}
	half := len(items) / 2
	if at == own+1 { // topics often come in order
		half = len(items) - 1
	}
	first, second := slices.Clone(items[:half]), slices.Clone(items[half:])
	return leaf(first).balance(p.left, p.right.prepend(leaf(second)))
}

// topsWith returns the tops of items: those of the page, and a new one at an index.
func (p *page[V]) topsWith(at int, items []item[V]) []uint8 {
	tops := make([]uint8, len(items))
	copy(tops, p.tops[:at])
	tops[at] = uint8(at)
	if at > 0 && strings.HasPrefix(items[at].key, items[tops[at-1]].key) {
		tops[at] = tops[at-1]
	}
	under := true
	for i := at + 1; i < len(items); i++ {
		tops[i] = p.tops[i-1]
		switch {
		case int(tops[i]) < at:
			continue // its shortest prefix comes before the new key
		case under && strings.HasPrefix(items[i].key, items[at].key):
			tops[i] = tops[at]
		default:
			under = false // and so are all that follow
			tops[i]++
		}
	}
	return tops
}

// prepend returns the tree with a page before all others.
func (p *page[V]) prepend(first *page[V]) *page[V] {
	if p == nil {
		return first
	}
	return p.balance(p.left.prepend(first), p.right)
}

// remove returns the tree without the item of key, which it has.
func (p *page[V]) remove(key string) *page[V] {
	p, rest := p.without(key)
	for _, it := range rest {
		p = p.insert(it)
	}
	return p
}

// without is remove, but for the rest of a page that was dissolved.
func (p *page[V]) without(key string) (root *page[V], rest []item[V]) {
	switch {
	case key < p.items[0].key:
		root, rest = p.left.without(key)
		return p.balance(root, p.right), rest
	case key > p.items[len(p.items)-1].key:
		root, rest = p.right.without(key)
		return p.balance(p.left, root), rest
	}
	at, _ := p.search(key)
	items := make([]item[V], len(p.items)-1)
	copy(items, p.items[:at])
	copy(items[at:], p.items[at+1:])
	if len(items) >= pageFew {
		return leaf(items).with(p.left, p.right), nil
	}
	if p.left == nil || p.right == nil {
		if root = p.left; root == nil {
			root = p.right
		}
		return root, items
	}
	first, right := p.right.cut()
	return first.balance(p.left, right), items
}

// cut returns the first page, and the tree without it.
func (p *page[V]) cut() (first, rest *page[V]) {
	if p.left == nil {
		return p, p.right
	}
	first, rest = p.left.cut()
	return first, p.balance(rest, p.right)
}

// covers reports whether a key is a prefix of body, and in how many steps it found out: pages and keys that were compared.
func (p *page[V]) covers(body []byte) (covered bool, steps int) {
	for p != nil {
		steps++
		at := len(p.items) - 1
		after := p.items[at].key > string(body) // otherwise the first key is not greater than body either
		if after && p.items[0].key > string(body) {
			p = p.left
			continue
		}
		// The keys on the left are less than body. If one of them is a prefix of body, it is also a prefix of the last key
		// there, and their shortest common prefix is the cover.
		if p.left != nil && begins(body, p.left.cover) {
			return true, steps
		}
		if after {
			var more int
			at, more = p.upTo(body)
			steps += more
		}
		if begins(body, p.items[p.tops[at]].key) {
			return true, steps
		}
		if after {
			return false, steps
		}
		p = p.right
	}
	return false, steps
}

// has reports whether there is a key that body is, and in how many steps that was found out.
func (p *page[V]) has(body []byte) (found bool, steps int) {
	for p != nil {
		steps++
		if p.items[0].key > string(body) {
			p = p.left
			continue
		}
		if p.items[len(p.items)-1].key < string(body) {
			p = p.right
			continue
		}
		at, more := p.upTo(body)
		return p.items[at].key == string(body), steps + more
	}
	return false, steps
}

// upTo returns the index of the last key of the page that is not greater than body, and how many keys it compared. The page
// must have such a key.
func (p *page[V]) upTo(body []byte) (at, steps int) {
	low, high := 1, len(p.items)
	for ; low < high; steps++ {
		if mid := (low + high) / 2; p.items[mid].key > string(body) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low - 1, steps
}

// begins reports whether body begins with prefix. It looks at the last byte first: topics that are long and alike, as paths are,
// often differ there.
func begins(body []byte, prefix string) bool {
	n := len(prefix)
	return n == 0 || n <= len(body) && prefix[n-1] == body[n-1] && prefix == string(body[:n])
}

// ceiling returns the first key that is not less than key.
func (p *page[V]) ceiling(key string) (found string, ok bool) {
	for p != nil {
		if p.items[len(p.items)-1].key < key {
			p = p.right
			continue
		}
		at, _ := p.search(key)
		found, ok = p.items[at].key, true
		if at > 0 {
			return found, true
		}
		p = p.left
	}
	return found, ok
}

// lastWith returns the last key that begins with prefix, which one must.
func (p *page[V]) lastWith(prefix string) (found string) {
	upTo := func(key string) bool { return key < prefix || strings.HasPrefix(key, prefix) }
	for p != nil {
		switch {
		case upTo(p.last):
			return p.last
		case !upTo(p.items[0].key):
			p = p.left
			continue
		}
		for _, it := range p.items {
			if !upTo(it.key) {
				return found
			}
			found = it.key
		}
		p = p.right
	}
	return found
}

// before returns the number of keys that less is true for, which it is for some first ones.
func (p *page[V]) before(less func(key string) bool) (n int) {
	for p != nil {
		own := len(p.items)
		switch {
		case !less(p.items[0].key):
			p = p.left
		case less(p.items[own-1].key):
			n += int(p.left.len()) + own
			p = p.right
		default:
			i, _ := slices.BinarySearchFunc(p.items, true, func(it item[V], _ bool) int {
				if less(it.key) {
					return -1
				}
				return 1
			})
			return n + int(p.left.len()) + i
		}
	}
	return n
}

// from calls yield with the items whose keys are not less than key, in order, until it returns false. It reports whether it
// reached the end.
func (p *page[V]) from(key string, yield func(it item[V]) bool) bool {
	if p == nil {
		return true
	}
	if p.items[0].key >= key && !p.left.from(key, yield) {
		return false
	}
	if p.items[len(p.items)-1].key >= key {
		at, _ := p.search(key)
		for _, it := range p.items[at:] {
			if !yield(it) {
				return false
			}
		}
	}
	return p.right.from(key, yield)
}

// SPDX-License-Identifier: MIT

package pattern

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// check says what is wrong with a tree, and returns its keys.
func (p *page[V]) check(t *testing.T, root bool) (keys []string) {
	t.Helper()
	if p == nil {
		return nil
	}
	left, right := p.left.check(t, false), p.right.check(t, false)
	if d := p.left.high() - p.right.high(); d < -1 || d > 1 || p.height != 1+max(p.left.high(), p.right.high()) {
		t.Fatalf("a page of height %d has children of %d and %d", p.height, p.left.high(), p.right.high())
	}
	if n := len(p.items); n == 0 || n > pageItems || len(p.tops) != n || cap(p.items) > 2*n {
		t.Fatalf("a page has %d items, room for %d, and %d tops", n, cap(p.items), len(p.tops))
	}
	if whole := leaf(p.items); !slices.Equal(p.tops, whole.tops) {
		t.Fatalf("the tops of %v are %v, want %v", p.items, p.tops, whole.tops)
	}
	keys = left
	for _, it := range p.items {
		keys = append(keys, it.key)
	}
	keys = append(keys, right...)
	if !slices.IsSorted(keys) || len(slices.Compact(slices.Clone(keys))) != len(keys) {
		t.Fatalf("keys are not in order, or twice there: %.200q", keys)
	}
	last, cover := keys[len(keys)-1], ""
	for _, k := range slices.Backward(keys) {
		if strings.HasPrefix(last, k) {
			cover = k
		}
	}
	if int(p.size) != len(keys) || p.last != last || p.cover != cover {
		t.Fatalf("a subtree of %d keys, of which %q is the last and %q covers it, says %d, %q, %q", len(keys), last, cover, p.size, p.last, p.cover)
	}
	return keys
}

// A tree does what a map and a loop over all keys do, in no more steps than its size allows.
func TestTreeAgainstMap(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 1))
		alphabet, longest := 1+r.IntN(4), 1+r.IntN(12)
		key := func() string {
			b := make([]byte, r.IntN(longest+1))
			for i := range b {
				b[i] = byte('a' + r.IntN(alphabet))
			}
			return string(b)
		}
		var root *page[int]
		model := map[string]int{}
		for i := range 2000 {
			k := key()
			_, there := model[k]
			p, at := root.find(k)
			if (p != nil) != there || there && p.items[at] != (item[int]{model[k], k}) {
				t.Fatalf("seed %d: find %q: %v, want %v", seed, k, p != nil, there)
			}
			switch grows := i/500%2 == 0; {
			case !there && (grows || r.IntN(4) == 0):
				root, model[k] = root.insert(item[int]{i, k}), i
			case there && (!grows || r.IntN(4) == 0):
				root = root.remove(k)
				delete(model, k)
			}
			if i%100 == 0 {
				compareTree(t, root, model, key)
			}
		}
		for k := range model {
			root = root.remove(k)
		}
		if root != nil {
			t.Fatalf("seed %d: an empty tree has %d items", seed, root.size)
		}
	}
}

func compareTree(t *testing.T, root *page[int], model map[string]int, key func() string) {
	t.Helper()
	if keys := root.check(t, true); len(keys) != len(model) {
		t.Fatalf("%d keys, want %d", len(keys), len(model))
	}
	for range 20 {
		body := key()
		covered, after, under := false, []string(nil), 0
		for k := range model {
			covered = covered || strings.HasPrefix(body, k)
			if k >= body {
				after = append(after, k)
			}
			if strings.HasPrefix(k, body) {
				under++
			}
		}
		got, steps := root.covers([]byte(body))
		if got != covered || steps > maxSteps(len(model)) {
			t.Fatalf("a key is a prefix of %q: %v after %d steps, want %v", body, got, steps, covered)
		}
		if _, is := model[body]; is != first(root.has([]byte(body))) {
			t.Fatalf("has %q: %v", body, !is)
		}
		slices.Sort(after)
		var from []string
		root.from(body, func(it item[int]) bool { from = append(from, it.key); return true })
		if !slices.Equal(from, after) {
			t.Fatalf("from %q: %q, want %q", body, from, after)
		}
		if low, high := root.before(func(k string) bool { return k < body }), root.before(func(k string) bool { return k < body || strings.HasPrefix(k, body) }); high-low != under || low != len(model)-len(after) {
			t.Fatalf("%d keys before %q, and %d begin with it; want %d, %d", low, body, high-low, len(model)-len(after), under)
		}
	}
}

func first(found bool, _ int) bool { return found }

// maxSteps is how many steps a look-up in a set of n may take: one for each page on the way, and those within two pages.
func maxSteps(n int) int {
	pages := float64(n)/pageFew + 1
	return int(1.45*math.Log2(pages+2)) + 2 + int(math.Log2(pageItems))
}

// Whatever topics there are, a body is looked up in steps that do not grow with their lengths, and hardly with their number.
func TestTopicLookupSteps(t *testing.T) {
	long := strings.Repeat("x", 1500)
	sets := map[string]func(i int) string{
		"all lengths, of which none matches":           func(i int) string { return strings.Repeat("y", i%1447) },
		"nested, and all match":                        func(i int) string { return long[:1+i%1447] },
		"near misses, which leave the body at each":    func(i int) string { return long[:i%1447] + "w" },
		"near misses, which are greater":               func(i int) string { return long[:i%1447] + "z" },
		"near misses on both sides":                    func(i int) string { return long[:i/2%1447] + "wz"[i%2:1+i%2] },
		"short ones, in their order":                   func(i int) string { return fmt.Sprintf("%08d", i) },
		"short ones, in the opposite of their order":   func(i int) string { return fmt.Sprintf("%08d", 1<<20-i) },
		"near misses that end one byte before the end": func(i int) string { return fmt.Sprintf("%s%06d", long[:64], i) },
	}
	for name, topic := range sets {
		for _, exact := range []bool{false, true} {
			set := topics{exact: exact}
			for i := range 20_000 {
				if k := topic(i); k != "" && !set.has(k) {
					set.add(k)
				}
			}
			worst := 0
			for _, body := range []string{long, long[:700], long[:1], "", "00010000", "00010000.5", "zzz", long[:64] + "010000", long[:800] + "w"} {
				want := false
				set.each(func(topic string, _ int) bool {
					want = topic == body || !exact && strings.HasPrefix(body, topic)
					return !want
				})
				matches, steps := set.lookup([]byte(body))
				if matches != want {
					t.Errorf("%s: %.80q matches: %v, want %v", name, body, matches, want)
				}
				worst = max(worst, steps)
			}
			if most := maxSteps(set.count()); worst > most {
				t.Errorf("%s, exact %v: %d topics and a look-up of %d steps, want at most %d", name, exact, set.count(), worst, most)
			}
		}
	}
}

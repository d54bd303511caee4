package diag

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Suggest returns the candidates that look like word, nearest first, at most
// three. The distance allowed grows with the length of the word, and a
// candidate that differs only in case or in separators is always near.
func Suggest(word string, candidates []string) []string {
	type near struct {
		name     string
		distance int
	}
	if word == "" {
		return nil
	}
	folded := fold(word)
	limit := max(1, min(3, len([]rune(folded))/3))
	var found []near
	for _, c := range candidates {
		if c == word {
			continue
		}
		if d := distance(folded, fold(c), limit); d <= limit {
			found = append(found, near{c, d})
		}
	}
	slices.SortFunc(found, func(a, b near) int {
		if a.distance != b.distance {
			return a.distance - b.distance
		}
		return strings.Compare(a.name, b.name)
	})
	var names []string
	for _, n := range found {
		if len(names) == 3 {
			break
		}
		if !slices.Contains(names, n.name) {
			names = append(names, n.name)
		}
	}
	return names
}

// DidYouMean returns a sentence that offers the near names, starting with a
// space so that it can be appended to a detail, or "" if none is near.
func DidYouMean(word string, candidates []string) string {
	return Offer(Suggest(word, candidates))
}

// Offer is the sentence of DidYouMean for names that are known to be near.
func Offer(near []string) string {
	names := make([]string, len(near))
	for i, n := range near {
		names[i] = fmt.Sprintf("%q", n)
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return " Did you mean " + names[0] + "?"
	}
	last := len(names) - 1
	return " Did you mean " + strings.Join(names[:last], ", ") + " or " + names[last] + "?"
}

// List joins names for a sentence, in sorted order, quoted.
func List(names []string) string {
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	for i, n := range sorted {
		sorted[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(sorted, ", ")
}

// fold makes names comparable that differ only in case and separators.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '-', '_', ' ', '.':
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

// distance is the number of single-rune edits (insert, delete, replace, swap
// of neighbours) between a and b; it gives up with limit+1 when more are needed.
func distance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if len(x)-len(y) > limit || len(y)-len(x) > limit {
		return limit + 1
	}
	before, prev, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(y)]
}

// sentence makes an error text read as a sentence.
func sentence(s string) string {
	if s == "" {
		return s
	}
	r := []rune(s)
	r[0] = unicode.ToUpper(r[0])
	if last := r[len(r)-1]; !strings.ContainsRune(".!?", last) {
		return string(r) + "."
	}
	return string(r)
}

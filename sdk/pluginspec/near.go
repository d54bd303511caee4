package pluginspec

import (
	"slices"
	"strings"
)

// didYouMean offers the candidate nearest to word as a sentence that can be
// appended to a detail, or nothing when none is near.
func didYouMean(word string, candidates []string) string {
	best, least := "", 2 // more than this many letters differ: not near
	if len(word) > 3 {
		least = min(3+len(word)/9, 4)
	}
	sorted := slices.Clone(candidates)
	slices.Sort(sorted)
	for _, c := range sorted {
		if d := distance(fold(word), fold(c)); d < least {
			best, least = c, d
		}
	}
	if best == "" {
		return ""
	}
	return " Did you mean \"" + best + "\"?"
}

func fold(s string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(s))
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := last[j-1]
			if a[i-1] != b[j-1] {
				cost++
			}
			row[j] = min(cost, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// quoted lists names for a sentence.
func quoted(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = `"` + n + `"`
	}
	return strings.Join(out, ", ")
}

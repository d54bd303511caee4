package main

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestPatiently(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		takes time.Duration
		want  []time.Duration // when something was said
	}{
		"quick":     {takes: patience - 1},
		"slow":      {takes: patience + 1, want: []time.Duration{patience}},
		"very slow": {takes: 40 * time.Second, want: []time.Duration{patience, patience + sayEvery, patience + 2*sayEvery}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var said []time.Duration
				end := patiently(func(since time.Duration) { said = append(said, since) })
				<-time.After(tt.takes)
				end()
				if len(said) != len(tt.want) {
					t.Fatalf("said at %v, want %v", said, tt.want)
				}
				for i, at := range said {
					if at != tt.want[i] {
						t.Errorf("said at %v, want %v", said, tt.want)
					}
				}
			})
		})
	}
}

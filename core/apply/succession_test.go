package apply_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSuccessions plans objects that take the place of others: what the cloud
// has but one of goes first.
func TestSuccessions(t *testing.T) {
	t.Parallel()
	post := func(name, number string) string { // its color is its name, so that who uses it changes with it
		return "resource \"post\" \"" + name + "\" {\n  number = " + number + "\n  street = \"high\"\n  color = \"" + name + "\"\n}\n"
	}
	uses := func(name string) string {
		return "resource \"thing\" \"user\" {\n  name = \"user\"\n  on   = post." + name + ".color\n}\n"
	}
	tests := map[string]struct {
		reason        string
		first, second string
		want          []string
	}{
		"renamed": {
			reason: "the old block's object goes first, though its name sorts last",
			first:  post("z", "1"), second: post("a", "1"),
			want: []string{"delete post.z: it is no longer in the stack", "create post.a"},
		},
		"another": {
			reason: "what has a place of its own waits for nothing",
			first:  post("z", "1"), second: post("a", "2"),
			want: []string{"create post.a", "delete post.z: it is no longer in the stack"},
		},
		"no way": {
			reason: "a delete that waits for the create cannot come before it",
			first:  post("z", "1") + uses("z"), second: post("a", "1") + uses("a"),
			want: []string{"create post.a", "update thing.user: on changed", "delete post.z: it is no longer in the stack"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.must(tc.first)
			if diff := cmp.Diff(tc.want, w.steps(tc.second)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
			w.must(tc.second)
			if got := w.steps(tc.second); len(got) != 0 {
				t.Errorf("the plan afterwards is not empty: %v", got)
			}
		})
	}
}

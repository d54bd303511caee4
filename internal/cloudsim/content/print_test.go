package content

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestRoundTrip prints the default, reads it again, and wants the same cloud.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	want, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := Print(&text, want); err != nil {
		t.Fatal(err)
	}
	got, err := Parse("content.yaml", text.Bytes())
	if err != nil {
		t.Fatalf("%v\n%s", err, text.String())
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(File{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("read again (-want +got):\n%s", diff)
	}
	again, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(again, want, cmpopts.IgnoreUnexported(File{})); diff != "" {
		t.Errorf("printing changed it:\n%s", diff)
	}
}

package pluginspec

import (
	"os"
	"testing"
)

// Every run of moldctl reads the schemas of all plugins.
func BenchmarkParse(b *testing.B) {
	src, err := os.ReadFile("testdata/network.yaml")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, diags := Parse("network.yaml", src); diags.HasErrors() {
			b.Fatal(diags)
		}
	}
}

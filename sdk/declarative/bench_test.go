package declarative_test

import (
	"fmt"
	"testing"

	"github.com/moldctl/moldctl/sdk/declarative"
)

// BenchmarkRead refreshes a thousand networks from two pages.
func BenchmarkRead(b *testing.B) {
	f := newFake(b)
	networks(f, 1000)
	spec := plugin(b, network)
	req := declarative.ReadRequest{Type: spec.Types["network"], Cloud: f.client(), Identity: me}
	for i := range 1000 {
		id := fmt.Sprintf("net-%d", i)
		prior := planned(req.Type, nil)
		req.Items = append(req.Items, declarative.ReadItem{Ref: id, ID: id, Prior: prior})
	}
	rt := declarative.New(spec)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rt.Read(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
}

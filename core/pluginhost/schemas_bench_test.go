package pluginhost_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/moldctl/moldctl/core/pluginhost"
)

// BenchmarkNew reads the schemas of all bundled plugins, as every run does.
func BenchmarkNew(b *testing.B) {
	files, err := filepath.Glob("../../plugins/*/plugin.yaml")
	if err != nil {
		b.Fatal(err)
	}
	var sources []pluginhost.Source
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		tree, err := os.ReadFile(filepath.Join(filepath.Dir(file), "plugin.tree"))
		if err != nil {
			b.Fatal(err)
		}
		sources = append(sources, pluginhost.Source{Name: filepath.Base(filepath.Dir(file)), Spec: text, Tree: tree})
	}
	before := processorTime(b)
	n := 0
	for b.Loop() {
		if _, diags := pluginhost.New(pluginhost.Options{Sources: sources}); diags.HasErrors() {
			b.Fatal(diags)
		}
		n++
	}
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(n), "cpu-µs/op")
}

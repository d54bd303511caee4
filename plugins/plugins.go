// Package plugins holds the text of the bundled plugins: each one's plugin.yaml,
// its examples and what its conformance test has to know.
//
// It holds text only and imports nothing of this project.
package plugins

import "embed"

// Files has a folder for each bundled plugin.
//
//go:embed */plugin.yaml */examples */conformance.yaml
var Files embed.FS

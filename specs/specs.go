// Package specs holds the stacks that come with moldctl, ready to apply. The
// first of them is what `moldctl init` writes.
//
// It holds text only and imports nothing of this project.
package specs

import _ "embed" // for the stacks

// WebAutoscale is the stack of the folder web-autoscale: an image built by a
// pipeline, balanced and scaled.
//
//go:embed web-autoscale/spec.hcl
var WebAutoscale []byte

package cloudsim

// Fidelity says whether the cloud keeps the odd behaviours of the original that look like mistakes.
type Fidelity string

// With strict fidelity the cloud does what CloudStack 4.22 does, whether or not that makes sense; with ideal fidelity it does
// what CloudStack's documentation promises:
//
//   - each autoscale policy has a quiet time of its own (the original stamps the first scale-up policy only);
//   - a group decides while a removed machine waits for its end (the original sleeps), and at once after it was started or
//     changed (the original is blind for the longest duration of its policies);
//   - a group whose template or offering was deleted can still be created, switched and deleted;
//   - a load balancer rule made without protocol can be updated (the original changes it and then answers 530).
const (
	FidelityStrict Fidelity = "strict"
	FidelityIdeal  Fidelity = "ideal"
)

// ideal reports whether the odd behaviours are switched off.
func (c *Call) ideal() bool { return c.Cloud.opts.Fidelity == FidelityIdeal }

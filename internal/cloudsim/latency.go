package cloudsim

import "time"

// Latency says how long asynchronous commands take.
type Latency string

// The latency models: zero ends jobs at once, fast keeps the real proportions at a hundredth of the time, real takes as
// long as a small CloudStack does.
const (
	LatencyZero Latency = "zero"
	LatencyFast Latency = "fast"
	LatencyReal Latency = "real"
)

// realLatency is how long jobs took on a management server with a simulated hypervisor; half a second is the usual time
// of a rule that goes to the router.
var realLatency = map[string]time.Duration{
	"attachVolume": time.Second, "createSnapshot": 1100 * time.Millisecond, "createVMSnapshot": 1500 * time.Millisecond,
	"createAutoScalePolicy": 10 * time.Millisecond, "createAutoScaleVmProfile": 10 * time.Millisecond,
	"createCondition": 10 * time.Millisecond, "createTags": 100 * time.Millisecond, "deleteTags": 100 * time.Millisecond,
	"createVPC": 2 * time.Second, "deleteVPC": 2 * time.Second, "deleteAffinityGroup": 10 * time.Millisecond,
	"deleteAutoScaleVmGroup": 5 * time.Second, "deleteNetwork": 2 * time.Second, "deleteVMSnapshot": 2 * time.Second,
	"deployVirtualMachine": 2 * time.Second, "destroyVirtualMachine": 7 * time.Second, "expungeVirtualMachine": 6 * time.Second,
	"detachVolume": 2 * time.Second, "rebootVirtualMachine": 1500 * time.Millisecond, "restartNetwork": 6 * time.Second,
	"startVirtualMachine": 1800 * time.Millisecond, "stopVirtualMachine": 1800 * time.Millisecond,
	"revertToVMSnapshot": 2 * time.Second, "createTemplate": 3 * time.Second, "copyTemplate": 3 * time.Second,
}

const (
	usualLatency    = 500 * time.Millisecond
	addressLockWait = 5 * time.Second
)

// of is the latency of a command's job.
func (l Latency) of(command string) time.Duration {
	d, ok := realLatency[command]
	if !ok {
		d = usualLatency
	}
	return l.scale(d)
}

// scale shortens a real duration according to the model.
func (l Latency) scale(d time.Duration) time.Duration {
	switch l {
	case LatencyReal:
		return d
	case LatencyFast:
		return d / 100
	}
	return 0
}

// Scaled shortens a duration of the real cloud according to the cloud's latency model: what a job body passes to Wait.
func (c *Call) Scaled(d time.Duration) time.Duration { return c.Cloud.opts.Latency.scale(d) }

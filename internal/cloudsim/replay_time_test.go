package cloudsim

import "testing"

// membersBefore are exchanges whose answer shows a group's members: the recording was made after so many had come.
var membersBefore = map[string]int{"243": 2}

// letTimePass waits for what the recorded server had done by itself before an exchange.
func (r *replayer) letTimePass(t *testing.T, number string) {
	t.Helper()
	want, ok := membersBefore[number]
	if !ok {
		return
	}
	settled(t, number+": the group has its members and rests", func() bool {
		r.cloud.mu.Lock()
		defer r.cloud.mu.Unlock()
		running := r.cloud.store.VMs.Where(func(v VM) bool { return v.AutoScaleGroupID != "" && v.State == VMRunning })
		_, busy := r.cloud.store.AutoScaleGroups.Find(func(g AutoScaleGroup) bool { return g.State != GroupEnabled })
		return len(running) == want && !busy
	})
}

package cloudsim

import (
	"strconv"
)

// Numbers of resource types, as listResourceLimits uses them.
const (
	limitVM        = 0
	limitPublicIP  = 1
	limitVolume    = 2
	limitSnapshot  = 3
	limitTemplate  = 4
	limitProject   = 5
	limitNetwork   = 6
	limitVPC       = 7
	limitCPU       = 8
	limitMemory    = 9
	limitPrimary   = 10
	limitSecondary = 11
)

type resourceType struct {
	number int
	name   string
	field  string // in account responses
	usual  int64  // default limit of an account
}

var resourceTypes = []resourceType{
	{limitVM, "user_vm", "vm", 20}, {limitPublicIP, "public_ip", "ip", 20}, {limitVolume, "volume", "volume", 20},
	{limitSnapshot, "snapshot", "snapshot", 20}, {limitTemplate, "template", "template", 20}, {limitProject, "project", "project", 10},
	{limitNetwork, "network", "network", 20}, {limitVPC, "vpc", "vpc", 20}, {limitCPU, "cpu", "cpu", 40},
	{limitMemory, "memory", "memory", 40960}, {limitPrimary, "primary_storage", "primarystorage", 200},
	{limitSecondary, "secondary_storage", "secondarystorage", 400}, {12, "backup", "backup", 20},
	{13, "backup_storage", "backupstorage", 400}, {14, "bucket", "bucket", 20}, {15, "object_storage", "objectstorage", 400},
	{16, "gpu", "gpu", 20},
}

// limit is how much of a resource an account may have; -1 is without limit.
func (c *Call) limit(a Account, number int) int64 {
	if a.Type == AccountAdmin {
		return -1
	}
	if l, ok := c.Limits.Get(limitID(a.ID, number)); ok {
		return l.Max
	}
	return resourceTypes[number].usual
}

func limitID(accountID string, number int) string { return accountID + "/" + strconv.Itoa(number) }

// used is how much of a resource an account has.
func (c *Call) used(accountID string, number int) int64 {
	var n int64
	switch number {
	case limitVM, limitCPU, limitMemory:
		for v := range c.VMs.All() {
			if v.AccountID != accountID || v.State == VMDestroyed || v.State == VMExpunging || v.State == VMError {
				continue
			}
			n += map[int]int64{limitVM: 1, limitCPU: int64(v.CPUNumber), limitMemory: int64(v.Memory)}[number]
		}
	case limitPublicIP:
		n = int64(len(c.PublicIPs.Where(func(p PublicIP) bool { return p.AccountID == accountID && p.State != IPFree })))
	case limitVolume, limitPrimary:
		for v := range c.Volumes.All() {
			if v.AccountID == accountID {
				n += map[int]int64{limitVolume: 1, limitPrimary: v.Size / gib}[number]
			}
		}
	case limitSnapshot:
		n = int64(len(c.Snapshots.Where(func(s Snapshot) bool { return s.AccountID == accountID })))
	case limitTemplate:
		n = int64(len(c.Templates.Where(func(t Template) bool { return t.AccountID == accountID })))
	case limitVPC:
		n = int64(len(c.VPCs.Where(func(v VPC) bool { return v.AccountID == accountID })))
	case limitNetwork:
		n = int64(len(c.Networks.Where(func(t Network) bool { return t.AccountID == accountID })))
	}
	return n
}

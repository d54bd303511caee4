package cloudsim

import (
	"context"
	"errors"
)

// service is a part of the cloud that lives beside the API: guests, data plane, autoscale monitor.
type service interface {
	// Start begins the part's work on what the store holds. ctx ends when the cloud stops.
	Start(ctx context.Context) error
	// Stop ends it and waits for its goroutines.
	Stop()
}

// PlaneNotifier is told of every change of a network's rules, addresses, machines or load balancers. Changed must not block.
type PlaneNotifier interface{ Changed(networkID string) }

// Loader sets the CPU load of guests; it returns how many machines it reached.
type Loader interface{ SetLoad(Load) (int, error) }

// AddressMap tells where public addresses can really be reached, for those "address:port" that had to be mapped.
type AddressMap interface{ PublicMap() map[string]string }

// SetPlane connects the data plane.
func (c *Cloud) SetPlane(p PlaneNotifier) { c.plane = p }

// SetLoader connects the part that knows the guests' load.
func (c *Cloud) SetLoader(l Loader) { c.loader = l }

func (c *Cloud) notifyPlane(networkID string) {
	if c.plane != nil {
		c.plane.Changed(networkID)
	}
}

// SetLoad makes guests look busy.
func (c *Cloud) SetLoad(l Load) (int, error) {
	c.gate.RLock()
	defer c.gate.RUnlock()
	if c.loader == nil {
		return 0, errors.New("this cloud has no guests whose load could be set")
	}
	return c.loader.SetLoad(l)
}

// newServices lists the parts of a cloud in the order they start; they stop in reverse. It is called again after a reset.
func newServices(c *Cloud) []service {
	balance := newPlaneService(c, c.machineOf)
	c.timetable = &timetable{cloud: c}
	// Guests come first so that they end last: the others use them.
	return []service{&keeper{cloud: c}, newGuestFarm(c), &expunger{cloud: c}, balance, newScalerService(c, balance, c.machineOf), c.timetable}
}

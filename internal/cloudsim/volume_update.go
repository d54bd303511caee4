package cloudsim

func updateVolumeJob(c *Call) (Obj, error) {
	v, _ := c.Volumes.Get(c.EntityID)
	v.Name = c.Or("name", v.Name)
	v.HideDisplay = !c.Bool("displayvolume", !v.HideDisplay)
	v.DeleteProtection = c.Bool("deleteprotection", v.DeleteProtection)
	if c.Has("path") || c.Has("state") || c.Has("storageid") {
		if !c.Caller.Root() {
			return nil, Denied("Only root administrators may change path, state or storage of a volume")
		}
		v.Path, v.State = c.Or("path", v.Path), c.Or("state", v.State)
	}
	c.Volumes.Put(v)
	return c.volumeResult(v.ID), nil
}

// destroyVolumeJob marks a volume Destroy, or removes it.
func destroyVolumeJob(c *Call) (Obj, error) {
	v, ok := c.Volumes.Get(c.EntityID)
	switch {
	case !ok:
		return nil, Invalid("Unable to find volume with id: %s", c.EntityID)
	case v.VMID != "":
		return nil, Invalid("Please specify a volume that is not attached to any VM.")
	case v.DeleteProtection:
		return nil, errProtected(v)
	case c.Bool("expunge", false) && !c.mayExpunge():
		return nil, errExpunge()
	}
	v.State = volumeDestroy
	c.Volumes.Put(v)
	result := c.volumeResult(v.ID)
	if c.Bool("expunge", false) {
		c.dropVolume(v)
	}
	return result, nil
}

func errProtected(v Volume) error {
	return Invalid("Volume [id = %s, name = %s] has delete protection enabled and cannot be deleted.", v.ID, v.Name)
}

func recoverVolume(c *Call) (any, error) {
	v, ok := c.Volumes.Get(c.Str("id"))
	if !ok {
		return nil, errNoEntity(c.Label(), "id", c.Str("id"))
	}
	if err := c.Own(v.Owner); err != nil {
		return nil, err
	}
	if v.State != volumeDestroy || v.VMID != "" {
		return nil, Invalid("Please specify a volume in Destroy state.")
	}
	v.State = volumeAllocated
	if v.PoolID != "" {
		v.State = volumeReady
	}
	c.Volumes.Put(v)
	c.Made(v.ID)
	return c.volumeResult(v.ID), nil
}

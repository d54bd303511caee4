package otherclients_test

import (
	"errors"
	"fmt"
	"testing"

	cs "github.com/apache/cloudstack-go/v2/cloudstack"
)

// machine deploys a machine on a network of its own.
func (s *site) machine() (*cs.DeployVirtualMachineResponse, error) {
	network, err := s.network("web")
	if err != nil {
		return nil, err
	}
	p := s.VirtualMachine.NewDeployVirtualMachineParams(s.serviceOffering, s.template, s.zone)
	p.SetName("vm-1")
	p.SetNetworkids([]string{network})
	return s.VirtualMachine.DeployVirtualMachine(p)
}

// rootOf finds the ROOT volume of a machine.
func (s *site) rootOf(machine string) (string, error) {
	p := s.Volume.NewListVolumesParams()
	p.SetVirtualmachineid(machine)
	p.SetType("ROOT")
	r, err := s.Volume.ListVolumes(p)
	if err != nil {
		return "", err
	}
	if r.Count != 1 {
		return "", fmt.Errorf("%d ROOT volumes", r.Count)
	}
	return r.Volumes[0].Id, nil
}

// powerCycle stops and starts a machine, and looks at its states.
func (s *site) powerCycle(id string) error {
	stopped, err := s.VirtualMachine.StopVirtualMachine(s.VirtualMachine.NewStopVirtualMachineParams(id))
	if err != nil {
		return err
	}
	started, err := s.VirtualMachine.StartVirtualMachine(s.VirtualMachine.NewStartVirtualMachineParams(id))
	if err != nil {
		return err
	}
	if stopped.State != "Stopped" || started.State != "Running" {
		return fmt.Errorf("states %s, %s", stopped.State, started.State)
	}
	return nil
}

func machines() []life {
	return []life{
		{
			name: "machine",
			create: func(t *testing.T, s *site) (string, error) {
				vm, err := s.machine()
				if err != nil {
					return "", err
				}
				if vm.State != "Running" || len(vm.Nic) != 1 || vm.Nic[0].Ipaddress == "" {
					t.Errorf("machine: state %s, interfaces %+v", vm.State, vm.Nic)
				}
				return vm.Id, s.powerCycle(vm.Id)
			},
			list: func(s *site, id string) (int, error) {
				_, n, err := s.VirtualMachine.GetVirtualMachineByID(id)
				return found(n, err)
			},
			remove: func(s *site, id string) error {
				p := s.VirtualMachine.NewDestroyVirtualMachineParams(id)
				p.SetExpunge(true)
				_, err := s.VirtualMachine.DestroyVirtualMachine(p)
				return err
			},
		},
		{
			name: "volume",
			create: func(_ *testing.T, s *site) (string, error) {
				vm, err := s.machine()
				if err != nil {
					return "", err
				}
				p := s.Volume.NewCreateVolumeParams()
				p.SetName("data")
				p.SetZoneid(s.zone)
				p.SetDiskofferingid(s.diskOffering)
				volume, err := s.Volume.CreateVolume(p)
				if err != nil {
					return "", err
				}
				if _, err := s.Volume.AttachVolume(s.Volume.NewAttachVolumeParams(volume.Id, vm.Id)); err != nil {
					return "", err
				}
				detach := s.Volume.NewDetachVolumeParams()
				detach.SetId(volume.Id)
				_, err = s.Volume.DetachVolume(detach)
				return volume.Id, err
			},
			list: func(s *site, id string) (int, error) {
				_, n, err := s.Volume.GetVolumeByID(id)
				return found(n, err)
			},
			remove: func(s *site, id string) error {
				_, err := s.Volume.DeleteVolume(s.Volume.NewDeleteVolumeParams(id))
				return err
			},
		},
		{
			name: "snapshot",
			create: func(_ *testing.T, s *site) (string, error) {
				vm, err := s.machine()
				if err != nil {
					return "", err
				}
				root, err := s.rootOf(vm.Id)
				if err != nil {
					return "", err
				}
				r, err := s.Snapshot.CreateSnapshot(s.Snapshot.NewCreateSnapshotParams(root))
				if err != nil {
					return "", err
				}
				return r.Id, nil
			},
			list: func(s *site, id string) (int, error) {
				_, n, err := s.Snapshot.GetSnapshotByID(id)
				return found(n, err)
			},
			remove: func(s *site, id string) error {
				_, err := s.Snapshot.DeleteSnapshot(s.Snapshot.NewDeleteSnapshotParams(id))
				return err
			},
		},
		{
			name: "template from a ROOT volume",
			create: func(_ *testing.T, s *site) (string, error) {
				vm, err := s.machine()
				if err != nil {
					return "", err
				}
				if _, err := s.VirtualMachine.StopVirtualMachine(s.VirtualMachine.NewStopVirtualMachineParams(vm.Id)); err != nil {
					return "", err
				}
				root, err := s.rootOf(vm.Id)
				if err != nil {
					return "", err
				}
				p := s.Template.NewCreateTemplateParams("image", "image", vm.Guestosid)
				p.SetVolumeid(root)
				r, err := s.Template.CreateTemplate(p)
				if err != nil {
					return "", err
				}
				return r.Id, nil
			},
			list: func(s *site, id string) (int, error) {
				_, n, err := s.Template.GetTemplateByID(id, "self")
				return found(n, err)
			},
			remove: func(s *site, id string) error {
				_, err := s.Template.DeleteTemplate(s.Template.NewDeleteTemplateParams(id))
				return err
			},
		},
		{
			name: "tags of a machine",
			create: func(_ *testing.T, s *site) (string, error) {
				vm, err := s.machine()
				if err != nil {
					return "", err
				}
				p := s.Resourcetags.NewCreateTagsParams([]string{vm.Id}, "UserVm", map[string]string{"role": "web"})
				_, err = s.Resourcetags.CreateTags(p)
				return vm.Id, err
			},
			list: func(s *site, id string) (int, error) {
				vm, _, err := s.VirtualMachine.GetVirtualMachineByID(id)
				if err != nil {
					return 0, err
				}
				if len(vm.Tags) == 1 && (vm.Tags[0].Key != "role" || vm.Tags[0].Value != "web") {
					return 0, errors.New("another tag")
				}
				return len(vm.Tags), nil
			},
			remove: func(s *site, id string) error {
				p := s.Resourcetags.NewDeleteTagsParams([]string{id}, "UserVm")
				p.SetTags(map[string]string{"role": "web"})
				_, err := s.Resourcetags.DeleteTags(p)
				return err
			},
		},
	}
}

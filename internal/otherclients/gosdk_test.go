package otherclients_test

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	cs "github.com/apache/cloudstack-go/v2/cloudstack"

	"github.com/moldctl/moldctl/internal/cloudsim"
)

// startCloud runs an embedded cloud until the test ends.
func startCloud(t *testing.T) *cloudsim.Cloud {
	t.Helper()
	cloud, err := cloudsim.Start(context.Background(), cloudsim.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cloud.Close)
	return cloud
}

// site is what the official client finds in a fresh cloud: the ground on which it makes things.
type site struct {
	*cs.CloudStackClient
	zone, serviceOffering, diskOffering, networkOffering, vpcOffering, template string
}

// newSite looks everything up by name, as users of the client do.
func newSite(t *testing.T, cloud *cloudsim.Cloud) *site {
	t.Helper()
	keys, ok := cloud.Keys("admin")
	if !ok {
		t.Fatal("the cloud has no admin")
	}
	s := &site{CloudStackClient: cs.NewAsyncClient(cloud.Endpoint(), keys.APIKey, keys.SecretKey, false)}
	zones, err := s.Zone.ListZones(s.Zone.NewListZonesParams())
	if err != nil || zones.Count == 0 {
		t.Fatalf("ListZones: %v, %v", zones, err)
	}
	s.zone = zones.Zones[0].Id
	find := func(into *string, what string, id string, count int, err error) {
		t.Helper()
		if err != nil || count != 1 {
			t.Fatalf("%s: %d found, %v", what, count, err)
		}
		*into = id
	}
	id, n, err := s.ServiceOffering.GetServiceOfferingID("Small Instance")
	find(&s.serviceOffering, "service offering", id, n, err)
	id, n, err = s.DiskOffering.GetDiskOfferingID("Small")
	find(&s.diskOffering, "disk offering", id, n, err)
	id, n, err = s.NetworkOffering.GetNetworkOfferingID("DefaultIsolatedNetworkOfferingWithSourceNatService")
	find(&s.networkOffering, "network offering", id, n, err)
	id, n, err = s.VPC.GetVPCOfferingID("Default VPC offering")
	find(&s.vpcOffering, "VPC offering", id, n, err)
	id, n, err = s.Template.GetTemplateID("Rocky Linux 9", "executable", s.zone)
	find(&s.template, "template", id, n, err)
	return s
}

// life is one kind of thing, from its creation to its end, by the client's typed calls.
type life struct {
	name   string
	create func(*testing.T, *site) (id string, err error)
	list   func(*site, string) (count int, err error) // of the thing with this id
	remove func(*site, string) error
}

// TestGoSDK makes, lists and takes away one thing of each kind.
func TestGoSDK(t *testing.T) {
	t.Parallel()
	for _, l := range slices.Concat(registrations(), networking(), machines(), identity(), administration()) {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, startCloud(t))
			id, err := l.create(t, s)
			if err != nil {
				t.Fatalf("create: %v", err)
			}
			if n, err := l.list(s, id); n != 1 || err != nil {
				t.Errorf("list after create: %d, %v", n, err)
			}
			if err := l.remove(s, id); err != nil {
				t.Fatalf("delete: %v", err)
			}
			if n, err := l.list(s, id); n != 0 || err != nil && !strings.Contains(err.Error(), "does not exist") {
				t.Errorf("list after delete: %d, %v", n, err)
			}
		})
	}
}

func registrations() []life {
	return []life{
		{
			name: "SSH key pair",
			create: func(_ *testing.T, s *site) (string, error) {
				r, err := s.SSH.CreateSSHKeyPair(s.SSH.NewCreateSSHKeyPairParams("key"))
				if err != nil {
					return "", err
				}
				return r.Name, nil
			},
			list: func(s *site, id string) (int, error) {
				p := s.SSH.NewListSSHKeyPairsParams()
				p.SetName(id)
				r, err := s.SSH.ListSSHKeyPairs(p)
				return countOf(r, err, func() int { return r.Count })
			},
			remove: func(s *site, id string) error {
				_, err := s.SSH.DeleteSSHKeyPair(s.SSH.NewDeleteSSHKeyPairParams(id))
				return err
			},
		},
		{
			name: "user data",
			create: func(_ *testing.T, s *site) (string, error) {
				text := base64.StdEncoding.EncodeToString([]byte("#cloud-config\n"))
				r, err := s.User.RegisterUserData(s.User.NewRegisterUserDataParams("data", text))
				if err != nil {
					return "", err
				}
				return r.Id, nil
			},
			list: func(s *site, id string) (int, error) {
				p := s.User.NewListUserDataParams()
				p.SetId(id)
				r, err := s.User.ListUserData(p)
				return countOf(r, err, func() int { return r.Count })
			},
			remove: func(s *site, id string) error {
				_, err := s.User.DeleteUserData(s.User.NewDeleteUserDataParams(id))
				return err
			},
		},
		{
			name: "affinity group",
			create: func(_ *testing.T, s *site) (string, error) {
				r, err := s.AffinityGroup.CreateAffinityGroup(s.AffinityGroup.NewCreateAffinityGroupParams("apart", "host anti-affinity"))
				if err != nil {
					return "", err
				}
				return r.Id, nil
			},
			list: func(s *site, id string) (int, error) {
				_, n, err := s.AffinityGroup.GetAffinityGroupByID(id)
				return found(n, err)
			},
			remove: func(s *site, id string) error {
				p := s.AffinityGroup.NewDeleteAffinityGroupParams()
				p.SetId(id)
				_, err := s.AffinityGroup.DeleteAffinityGroup(p)
				return err
			},
		},
		{
			name: "instance group",
			create: func(_ *testing.T, s *site) (string, error) {
				// The client looks for the id where no server puts it, so it is looked up.
				if _, err := s.VMGroup.CreateInstanceGroup(s.VMGroup.NewCreateInstanceGroupParams("together")); err != nil {
					return "", err
				}
				id, _, err := s.VMGroup.GetInstanceGroupID("together")
				return id, err
			},
			list: func(s *site, id string) (int, error) {
				_, n, err := s.VMGroup.GetInstanceGroupByID(id)
				return found(n, err)
			},
			remove: func(s *site, id string) error {
				_, err := s.VMGroup.DeleteInstanceGroup(s.VMGroup.NewDeleteInstanceGroupParams(id))
				return err
			},
		},
	}
}

// countOf counts what a listing answered; its error comes first.
func countOf[T any](_ T, err error, count func() int) (int, error) {
	if err != nil {
		return 0, err
	}
	return count(), nil
}

// found reads what the client's Get…ByID says: an error of its own for nothing found.
func found(n int, err error) (int, error) {
	if n == 0 && err != nil && strings.Contains(err.Error(), "No match found") {
		return 0, nil
	}
	return max(n, 0), err
}

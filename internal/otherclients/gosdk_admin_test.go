package otherclients_test

import "testing"

func identity() []life {
	return []life{
		{
			name: "domain",
			create: func(_ *testing.T, s *site) (string, error) {
				r, err := s.Domain.CreateDomain(s.Domain.NewCreateDomainParams("sales"))
				if err != nil {
					return "", err
				}
				return r.Id, nil
			},
			list: func(s *site, id string) (int, error) {
				_, n, err := s.Domain.GetDomainByID(id)
				return found(n, err)
			},
			remove: func(s *site, id string) error {
				_, err := s.Domain.DeleteDomain(s.Domain.NewDeleteDomainParams(id))
				return err
			},
		},
		{
			name: "account",
			create: func(_ *testing.T, s *site) (string, error) {
				p := s.Account.NewCreateAccountParams("kim@example.org", "Kim", "Lee", "secret", "kim")
				p.SetAccounttype(0)
				r, err := s.Account.CreateAccount(p)
				if err != nil {
					return "", err
				}
				return r.Id, nil
			},
			list: func(s *site, id string) (int, error) {
				_, n, err := s.Account.GetAccountByID(id)
				return found(n, err)
			},
			remove: func(s *site, id string) error {
				_, err := s.Account.DeleteAccount(s.Account.NewDeleteAccountParams(id))
				return err
			},
		},
		{
			name: "user",
			create: func(_ *testing.T, s *site) (string, error) {
				r, err := s.User.CreateUser(s.User.NewCreateUserParams("user", "park@example.org", "Park", "Kim", "secret", "park"))
				if err != nil {
					return "", err
				}
				return r.Id, nil
			},
			list: func(s *site, id string) (int, error) {
				_, n, err := s.User.GetUserByID(id)
				return found(n, err)
			},
			remove: func(s *site, id string) error {
				_, err := s.User.DeleteUser(s.User.NewDeleteUserParams(id))
				return err
			},
		},
		{
			name: "role",
			create: func(_ *testing.T, s *site) (string, error) {
				p := s.Role.NewCreateRoleParams("operator")
				p.SetType("User")
				r, err := s.Role.CreateRole(p)
				if err != nil {
					return "", err
				}
				return r.Id, nil
			},
			list: func(s *site, id string) (int, error) {
				_, n, err := s.Role.GetRoleByID(id)
				return found(n, err)
			},
			remove: func(s *site, id string) error {
				_, err := s.Role.DeleteRole(s.Role.NewDeleteRoleParams(id))
				return err
			},
		},
		{
			name: "project",
			create: func(_ *testing.T, s *site) (string, error) {
				r, err := s.Project.CreateProject(s.Project.NewCreateProjectParams("shop", "shop"))
				if err != nil {
					return "", err
				}
				return r.Id, nil
			},
			list: func(s *site, id string) (int, error) {
				_, n, err := s.Project.GetProjectByID(id)
				return found(n, err)
			},
			remove: func(s *site, id string) error {
				_, err := s.Project.DeleteProject(s.Project.NewDeleteProjectParams(id))
				return err
			},
		},
	}
}

func administration() []life {
	return []life{
		{
			name: "service offering",
			create: func(_ *testing.T, s *site) (string, error) {
				p := s.ServiceOffering.NewCreateServiceOfferingParams("tiny", "tiny")
				p.SetCpunumber(1)
				p.SetCpuspeed(500)
				p.SetMemory(256)
				r, err := s.ServiceOffering.CreateServiceOffering(p)
				if err != nil {
					return "", err
				}
				return r.Id, nil
			},
			list: func(s *site, id string) (int, error) {
				_, n, err := s.ServiceOffering.GetServiceOfferingByID(id)
				return found(n, err)
			},
			remove: func(s *site, id string) error {
				_, err := s.ServiceOffering.DeleteServiceOffering(s.ServiceOffering.NewDeleteServiceOfferingParams(id))
				return err
			},
		},
		{
			name: "disk offering",
			create: func(_ *testing.T, s *site) (string, error) {
				p := s.DiskOffering.NewCreateDiskOfferingParams("scratch", "scratch")
				p.SetDisksize(2)
				r, err := s.DiskOffering.CreateDiskOffering(p)
				if err != nil {
					return "", err
				}
				return r.Id, nil
			},
			list: func(s *site, id string) (int, error) {
				_, n, err := s.DiskOffering.GetDiskOfferingByID(id)
				return found(n, err)
			},
			remove: func(s *site, id string) error {
				_, err := s.DiskOffering.DeleteDiskOffering(s.DiskOffering.NewDeleteDiskOfferingParams(id))
				return err
			},
		},
		{
			name: "counter", // conditions cannot be tried: this client cannot read what servers answer there
			create: func(_ *testing.T, s *site) (string, error) {
				r, err := s.AutoScale.CreateCounter(s.AutoScale.NewCreateCounterParams("load", "VIRTUALROUTER", "CPU", "vm.load"))
				if err != nil {
					return "", err
				}
				return r.Id, nil
			},
			list: func(s *site, id string) (int, error) {
				_, n, err := s.AutoScale.GetCounterByID(id)
				return found(n, err)
			},
			remove: func(s *site, id string) error {
				_, err := s.AutoScale.DeleteCounter(s.AutoScale.NewDeleteCounterParams(id))
				return err
			},
		},
	}
}

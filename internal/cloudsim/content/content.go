// Package content is what a fresh CloudStack installation contains and the embedded cloud therefore offers: offerings,
// operating systems, counters, global settings, event types, capabilities. It is data only; it imports nothing of this project.
package content

import (
	"embed"
	"encoding/json"
	"fmt"
)

//go:embed *.json
var files embed.FS

// Capability is one declared ability of a service.
type Capability struct {
	Name      string `json:"name"`
	Value     string `json:"value"`
	CanChoose bool   `json:"canchoose"`
}

// Service is a service of an offering, who provides it, and the capabilities the offering fixes.
type Service struct {
	Name         string       `json:"name"`
	Provider     string       `json:"provider"`
	Capabilities []Capability `json:"capability"`
}

// NetworkOffering is a row of listNetworkOfferings.
type NetworkOffering struct {
	ID                  string    `json:"id"`
	Name                string    `json:"name"`
	DisplayText         string    `json:"displaytext"`
	GuestIPType         string    `json:"guestiptype"`
	TrafficType         string    `json:"traffictype"`
	State               string    `json:"state"`
	Availability        string    `json:"availability"`
	IsDefault           bool      `json:"isdefault"`
	SpecifyVLAN         bool      `json:"specifyvlan"`
	SpecifyIPRanges     bool      `json:"specifyipranges"`
	ConserveMode        bool      `json:"conservemode"`
	IsPersistent        bool      `json:"ispersistent"`
	EgressDefaultPolicy bool      `json:"egressdefaultpolicy"`
	ForVPC              bool      `json:"forvpc"`
	ForNSX              bool      `json:"fornsx"`
	ForTungsten         bool      `json:"fortungsten"`
	InternalLB          bool      `json:"supportsinternallb"`
	PublicAccess        bool      `json:"supportspublicaccess"`
	StretchedL2         bool      `json:"supportsstrechedl2subnet"`
	NetworkRate         int       `json:"networkrate"`
	ServiceOfferingID   string    `json:"serviceofferingid"`
	NetworkMode         string    `json:"networkmode"`
	InternetProtocol    string    `json:"internetprotocol"`
	Services            []Service `json:"service"`
}

// VPCOffering is a row of listVPCOfferings.
type VPCOffering struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	DisplayText string    `json:"displaytext"`
	State       string    `json:"state"`
	IsDefault   bool      `json:"isdefault"`
	Distributed bool      `json:"distributedvpcrouter"`
	RegionLevel bool      `json:"supportsregionLevelvpc"`
	ForNSX      bool      `json:"fornsx"`
	NetworkMode string    `json:"networkmode"`
	Services    []Service `json:"service"`
}

// ServiceOffering is a row of listServiceOfferings.
type ServiceOffering struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	DisplayText    string `json:"displaytext"`
	CPUNumber      int    `json:"cpunumber"`
	CPUSpeed       int    `json:"cpuspeed"`
	Memory         int    `json:"memory"`
	DynamicScaling bool   `json:"dynamicscalingenabled"`
	DiskOfferingID string `json:"diskofferingid"`
}

// DiskOffering is a row of listDiskOfferings; Size in GB.
type DiskOffering struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	DisplayText string `json:"displaytext"`
	Size        int64  `json:"disksize"`
	Customized  bool   `json:"iscustomized"`
}

// OSType is a row of listOsTypes.
type OSType struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	CategoryID   string `json:"oscategoryid"`
	CategoryName string `json:"oscategoryname"`
}

// Counter is a row of listCounters.
type Counter struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Provider string `json:"provider"`
	Source   string `json:"source"`
	Value    string `json:"value"`
}

// Setting is a row of listConfigurations.
type Setting struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Value    string `json:"value"`
	Default  string `json:"defaultvalue"`
	Category string `json:"category"`
}

// RouterService is a service of the virtual router with the capabilities it declares.
type RouterService struct {
	Name         string       `json:"name"`
	Capabilities []Capability `json:"capabilities"`
}

// Read reads one of the lists: "network-offerings" into a []NetworkOffering, and so on.
func Read(name string, into any) error {
	b, err := files.ReadFile(name + ".json")
	if err != nil {
		return fmt.Errorf("read start content: %w", err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("read start content %s: %w", name, err)
	}
	return nil
}

resource "network_offering" "web" {
  name       = "web"
  guest_type = "Isolated"
  services   = ["Dhcp", "Dns", "UserData", "SourceNat", "Firewall", "PortForwarding"]
}

resource "vpc_offering" "web" {
  name     = "web"
  services = ["Dhcp", "Dns", "UserData", "SourceNat", "NetworkACL", "PortForwarding"]
}

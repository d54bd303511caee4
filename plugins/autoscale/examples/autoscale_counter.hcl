resource "autoscale_counter" "load" {
  name   = "Load"
  source = "snmp"
  value  = "1.3.6.1.4.1.2021.10.1.3.1"
}

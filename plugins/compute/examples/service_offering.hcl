resource "service_offering" "web" {
  name      = "Web"
  cpus      = 2
  cpu_speed = 1000
  memory    = 2048
}

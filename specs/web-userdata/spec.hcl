# The web service of web-autoscale for clouds whose machines moldctl cannot
# reach: nothing is done over SSH. User data installs the service at the first
# boot: once on the machine that the image is made of, and again, which then
# finds everything there, on each member of the group.
#
#   moldctl plan     shows what would be done
#   moldctl apply    does it
#   moldctl destroy  takes it all away again

stack "web" {
  version = "1.0.0"
  requires = {
    moldctl = ">= 0.1"
  }
}

variable "source_template" {
  type        = string
  default     = "Rocky Linux 9"
  description = "Template that the image is made of. It must come with cloud-init."
}

variable "offering" {
  type        = string
  default     = "Medium Instance"
  description = "Service offering of the build machine and of the members."
}

variable "install_time" {
  type        = string
  default     = "10m"
  description = "How long the build machine may take to install. It is over sooner when the machine turns itself off, as below."
}

locals {
  # What a machine has to become, however often it is told.
  install = <<-EOT
    #cloud-config
    packages: [httpd, php]
    write_files:
      - path: /var/www/html/index.php
        content: |
          <?php echo gethostname(); phpinfo(); ?>
    runcmd:
      - systemctl enable --now httpd
      - if systemctl is-active --quiet firewalld; then firewall-cmd --permanent --add-service=http; firewall-cmd --reload; fi
  EOT
}

resource "network" "web" {
  name        = "lb-demo"
  description = "Isolated network for the load-balanced web service"

  # A default isolated network lets nothing out: without this rule machines
  # cannot install packages.
  egress {
    protocol = "all"
  }
}

resource "image" "web" {
  name        = "web-userdata"
  description = "Apache and PHP, installed by user data"
  public      = true

  source {
    template = var.source_template
    offering = var.offering
    network  = network.web.id

    # Turning itself off is how the machine says that it is done.
    user_data = "${local.install}  - poweroff\n"
    wait      = var.install_time
  }
}

resource "load_balancer" "web" {
  network      = network.web.id
  public_port  = 80
  private_port = 80
  algorithm    = "roundrobin"
}

resource "autoscale_group" "web" {
  load_balancer = load_balancer.web.id
  network       = network.web.id
  template      = image.web.id
  offering      = var.offering
  user_data     = local.install
  min_members   = 2
  max_members   = 6

  scale_up "cpu" {
    duration = "60s"
    condition {
      counter   = "cpu"
      operator  = ">"
      threshold = 70
    }
  }

  scale_down "idle" {
    duration = "120s"
    condition {
      counter   = "cpu"
      operator  = "<"
      threshold = 20
    }
  }

  # min_ready gives the service time to start: without SSH nothing else tells
  # when it has.
  rollout {
    strategy      = "surge"
    max_surge     = 1
    min_ready     = "30s"
    ready_timeout = "5m"
  }
}

output "url" {
  value = "http://${load_balancer.web.address}/"
}

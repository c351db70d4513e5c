"""The two files by which an installed version is started: its launcher and the unit of systemd.

Everything they refer to lies in the version's own folder, so two versions side by side never mix.
"""

from __future__ import annotations

from firmware_bridge.sideload.on_device.unit import ROOT_MARK, STARTING_S
from firmware_bridge.sideload.settings import Profile

WATCHDOG_S = 60
LAUNCHER = """\
#!/bin/sh
# The command `glint` of this version: its own packages and models, no network. `glint serve` is what the service runs.
version=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd -P)
kept=${CACHE_DIRECTORY:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/glint}
export PYTHONPATH="$version/site" PYTHONNOUSERSITE=1 PYTHONPYCACHEPREFIX="$kept/bytecode"
export GLINT_CACHE="$version/models" GLINT_OFFLINE=1
if [ "$1" = serve ]; then
    exec "${GLINT_PYTHON:-python@PYTHON@}" -P -m firmware_bridge.sideload.service "$version"
fi
exec "${GLINT_PYTHON:-python@PYTHON@}" -P -m device "$@"
"""

UNIT = """\
[Unit]
Description=Glint, an assistant that runs wholly on this device ({title})
After=sound.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={root}/current/bin/glint serve
Restart=always
RestartSec=2
TimeoutStartSec={starting}
TimeoutStopSec=10
WatchdogSec={watchdog}
# What was asked and answered is kept nowhere; notes go to the journal.
StandardOutput=null

# Limits
MemoryMax={memory}M
MemorySwapMax=0
CPUQuota={cpu}%
TasksMax=128
OOMPolicy=stop

# No network, for the assistant and for whatever it might start
PrivateNetwork=yes
IPAddressDeny=any
RestrictAddressFamilies=AF_UNIX

# A system that can be read and not written, but for one folder with Python's bytecode
DynamicUser=yes
SupplementaryGroups=audio video
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
CacheDirectory=glint
RuntimeDirectory=glint
RuntimeDirectoryPreserve=restart
UMask=0077

# Nothing but the devices that it needs
DevicePolicy=closed
DeviceAllow=char-alsa rw
DeviceAllow=char-video4linux rw

# No way to more rights
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
RestrictSUIDSGID=yes
RestrictNamespaces=yes
LockPersonality=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"""


def launcher(python: str) -> str:
    """A script of /bin/sh. python: its version, 3.11; the variable GLINT_PYTHON names another."""
    return LAUNCHER.replace("@PYTHON@", python)


def unit(profile: Profile) -> str:
    """A unit of systemd in which the installer puts the folder of the installation."""
    return UNIT.format(
        title=profile.title,
        root=ROOT_MARK,
        starting=STARTING_S,
        watchdog=WATCHDOG_S,
        memory=profile.memory_max_mb,
        cpu=profile.cpu_percent,
    )

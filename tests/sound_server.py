"""A sound server of a test's own, with a loudspeaker that can be listened to and unplugged; needs no sound card."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

SINK = "glint_test_sink"
VOICE = "glint_test_voice"
RATE = 48_000
CONFIGURATION = f"""
</usr/share/alsa/alsa.conf>
pcm.glint_speaker {{ type pulse device "{SINK}" hint {{ show on description "speaker" }} }}
pcm.glint_microphone {{ type pulse device "{SINK}.monitor" hint {{ show on description "microphone" }} }}
pcm.!default {{ type pulse hint {{ show on description "default" }} }}
"""


class SoundServer:
    """PulseAudio with one null sink: what "glint_speaker" plays is heard by "glint_microphone"."""

    def __init__(self, folder):
        self._folder = folder
        self._processes = []

    def start(self, monkeypatch):
        """Skips the test where PulseAudio or PortAudio is missing."""
        if lacking := [name for name in ("pulseaudio", "pactl", "parec") if shutil.which(name) is None]:
            pytest.skip(f"no {lacking[0]}; run: sudo apt-get install pulseaudio pulseaudio-utils libasound2-plugins")
        try:
            import sounddevice
        except (ImportError, OSError) as error:
            pytest.skip(f"no PortAudio ({error}); run: sudo apt-get install libportaudio2")
        self.configuration = self._folder / "asound.conf"
        self.configuration.write_text(CONFIGURATION)
        socket = self._folder / "native"
        for name, value in {
            "ALSA_CONFIG_PATH": self.configuration,
            "PULSE_SERVER": f"unix:{socket}",
            "PULSE_COOKIE": self._folder / "cookie",
            "PULSE_CONFIG_PATH": self._folder,
            "XDG_RUNTIME_DIR": self._folder,
        }.items():
            monkeypatch.setenv(name, str(value))
        self._run(
            "pulseaudio",
            "-n",
            "--daemonize=no",
            "--exit-idle-time=-1",
            "--disable-shm=yes",
            "--use-pid-file=no",
            f"--load=module-native-protocol-unix auth-anonymous=1 socket={socket}",
        )
        wait_until(lambda: self._control("info").returncode == 0)
        self.plug()
        sounddevice._terminate()
        sounddevice._initialize()
        names = [entry["name"] for entry in sounddevice.query_devices()]
        if "glint_speaker" not in names:
            pytest.skip("ALSA finds no PulseAudio; run: sudo apt-get install libasound2-plugins")

    def plug(self):
        done = self._control("load-module", "module-null-sink", f"sink_name={SINK}", f"rate={RATE}", "channels=1")
        assert done.returncode == 0, done.stderr
        # Without a listener in a hurry a null sink plays in steps of up to two seconds.
        self._run("parec", f"--device={SINK}.monitor", "--latency-msec=10")
        time.sleep(2.5)

    def plug_voice(self):
        """A microphone, the default one, that hears what `say` plays and nothing else."""
        for command in (
            ("load-module", "module-null-sink", f"sink_name={VOICE}", f"rate={RATE}", "channels=1"),
            # Browsers take what only listens to a loudspeaker for no microphone.
            ("load-module", "module-remap-source", f"master={VOICE}.monitor", f"source_name={VOICE}_microphone"),
            ("set-default-source", f"{VOICE}_microphone"),
            ("set-default-sink", SINK),
        ):
            done = self._control(*command)
            assert done.returncode == 0, done.stderr

    def say(self, path):
        """Plays a WAV into the microphone of `plug_voice`, to its end."""
        subprocess.run(["paplay", f"--device={VOICE}", path], check=True, timeout=60)

    def unplug(self):
        assert self._control("unload-module", "module-null-sink").returncode == 0

    def halt(self):
        """Stops answering, as a server that hangs."""
        self._processes[0].send_signal(signal.SIGSTOP)

    def go_on(self):
        self._processes[0].send_signal(signal.SIGCONT)

    def close(self):
        """Ends the server, and has PortAudio forget its devices."""
        for process in reversed(self._processes):
            process.kill()
            process.wait(10)
        if "sounddevice" in sys.modules:
            sys.modules["sounddevice"]._terminate()
            sys.modules["sounddevice"]._initialize()

    def _run(self, *command):
        log = (self._folder / f"{command[0]}.log").open("wb")
        with log:
            self._processes.append(
                subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
            )

    def _control(self, *arguments):
        return subprocess.run(["pactl", *arguments], env=os.environ, capture_output=True, text=True, timeout=20)


def wait_until(condition, timeout_s=20):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)

"""What a person's bench needs behind any window: verbs as background tasks, and pure view models of the panel.

Nothing here imports carb, omni or pxr; the widgets (``physicl_twin.kit``) and the graph nodes stand on it.
"""

from physicl_twin.workbench.task import Task as Task
from physicl_twin.workbench.task import TaskState as TaskState

// What our charts need of ECharts, and no more: esbuild drops the rest.
import { LineChart, ScatterChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { getInstanceByDom, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([LineChart, ScatterChart, GridComponent, TooltipComponent, SVGRenderer]);

export { getInstanceByDom, init };

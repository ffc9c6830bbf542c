// Pieces that several views draw. Whatever text they are given stands between {{ }} and so is shown as text.

export const CellName = {
  props: { model: String, prompt: String },
  template: `<bdi class="cell-name">{{ model }}</bdi> <bdi class="prompt">{{ prompt }}</bdi>`,
};

export const Progress = {
  props: { share: Number, label: String },
  template: `
    <span class="meter" role="progressbar" :aria-label="label" aria-valuemin="0" aria-valuemax="100" :aria-valuenow="Math.floor(share * 100)">
      <span :style="{ width: share * 100 + '%' }"></span>
    </span>`,
};

export const Faults = {
  props: { of: String, all: { type: Array, default: () => [] }, id: String },
  computed: {
    mine() {
      return this.all.filter((fault) => fault.field === this.of || fault.field.startsWith(this.of + "."));
    },
  },
  template: `<span :id="id" aria-live="polite"><span v-for="fault in mine" class="fault">{{ fault.message }}<br></span></span>`,
};

export const Situation = {
  props: { situation: Object },
  template: `
    <div class="situation">
      <p class="moment">{{ situation.moment }}</p>
      <p v-if="!situation.tasks.length" class="say" style="margin: 0">No open tasks.</p>
      <ul class="tasks"><li v-for="task in situation.tasks" :class="{ urgent: task.urgent }">
        <bdi>{{ task.content }}</bdi> <small v-if="task.about">{{ task.about }}</small>
      </li></ul>
      <p v-if="situation.more"><small>{{ situation.more }}</small></p>
      <p v-if="situation.profile"><small>{{ situation.profile }}</small></p>
    </div>`,
};

export const Dot = {
  props: { row: Object, ticks: Array },
  template: `
    <svg class="dot" role="img" :aria-label="row.drawn.label">
      <line v-for="tick in ticks" class="grid-line" :x1="tick.at + '%'" :x2="tick.at + '%'" y1="0" y2="100%"/>
      <line v-if="row.drawn.low !== null" class="whisker" :class="{ loose: !row.drawn.is_sound }"
        :x1="row.drawn.low + '%'" :x2="row.drawn.high + '%'" y1="50%" y2="50%"/>
      <circle :class="{ open: !row.drawn.is_sound }" :cx="row.drawn.at + '%'" cy="50%" r="5"/>
    </svg>`,
};

export const Scatter = {
  components: { CellName },
  props: { drawn: Object, title: String, axis: String, cheaper: String },
  template: `
    <figure>
      <figcaption><h3>{{ title }}</h3></figcaption>
      <p v-if="!drawn" class="say">Not known for any cell with a mean.</p>
      <template v-else>
        <svg class="canvas" role="img" :aria-label="title + ': ' + drawn.best.map((b) => b.label).join('; ')">
          <svg width="100%" height="260">
            <template v-for="tick in drawn.y">
              <line class="grid-line" x1="0" x2="100%" :y1="100 - tick.at + '%'" :y2="100 - tick.at + '%'"/>
              <text x="0" :y="100 - tick.at + '%'" dy="-4">{{ tick.label }}</text>
            </template>
            <line v-for="[x1, y1, x2, y2] in drawn.frontier" class="frontier" :x1="x1 + '%'" :y1="y1 + '%'" :x2="x2 + '%'" :y2="y2 + '%'"/>
            <template v-for="point in drawn.points">
              <line v-if="point.whisker" class="whisker" :class="{ faint: !point.is_best }" :x1="point.x + '%'" :x2="point.x + '%'"
                :y1="point.whisker[0] + '%'" :y2="point.whisker[1] + '%'"/>
            </template>
            <template v-for="point in drawn.points">
              <circle :class="{ other: !point.is_best, open: !point.is_sound }" :cx="point.x + '%'" :cy="point.y + '%'" :r="point.is_best ? 5.5 : 4"><title>{{ point.label }}</title></circle>
              <text v-if="point.is_best && point.place" class="place" :x="point.x + '%'" :y="point.y + '%'" dx="9" dy="-7">{{ point.place }}</text>
            </template>
          </svg>
          <template v-for="tick in drawn.x">
            <line class="tick-mark" :x1="tick.at + '%'" :x2="tick.at + '%'" y1="260" y2="265"/>
            <text :x="tick.at + '%'" y="280" text-anchor="middle">{{ tick.label }}</text>
          </template>
        </svg>
        <p class="axis-title">{{ axis }} &rarr;</p>
        <p class="say">Not beaten by any cell {{ cheaper }}:</p>
        <ol class="best"><li v-for="b in drawn.best">
          <span class="at">{{ b.place }}</span><span><CellName :model="b.model" :prompt="b.prompt"/></span><span class="of">{{ b.worth }}</span>
        </li></ol>
        <p v-if="drawn.unknown" class="say">{{ drawn.unknown }}</p>
      </template>
    </figure>`,
};
